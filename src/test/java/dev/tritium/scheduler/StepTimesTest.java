package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StepReport;
import dev.tritium.kernel.ScalarRowKernels;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What reports say of waiting, first tokens and the time between tokens. */
class StepTimesTest extends ByHand {
  private static final Duration PAUSE = Duration.ofNanos(70);

  private final List<List<Long>> gaps = new ArrayList<>(); // of each step's groups
  private final List<List<RequestAccount>> begun = new ArrayList<>();
  private final List<List<RequestAccount>> answering = new ArrayList<>();

  /** A scheduler whose steps take 1,000 ns. */
  private Scheduler timed(int maxRunning, int stepRows) {
    clock.nanosPerCall = 1_000;
    SchedulerLimits limits = Schedulers.limits(maxRunning, 100, stepRows);
    return new Scheduler(model, tokenizer, new ScalarRowKernels(), limits, this::listen, clock);
  }

  private void listen(StepReport report) {
    List<Long> ofStep = new ArrayList<>();
    for (int g = 0; g < report.groups(); g++) {
      ofStep.add(report.gapNanos(g));
    }
    gaps.add(ofStep);
    begun.add(List.copyOf(report.begun()));
    answering.add(List.copyOf(report.answering()));
  }

  private static SequenceRequest prompt(int choice, int tokens, int answers, int maxTokens) {
    SequenceRequest of = request(prompt(choice + 1L, tokens), answers, maxTokens);
    return new SequenceRequest(
        of.prompt(), choice, answers, "", of.sampling(), of.stop(), of.logprobs());
  }

  @Test
  void aGapIsFromTheEndOfTheStepBeforeToTheEndOfThisOne() {
    Scheduler scheduler = timed(4, 16);
    submit(scheduler, prompt(1, 20), 3); // 16 rows, then 4
    step(scheduler, 3);
    clock.pass(PAUSE); // as a listener or a reader would take
    step(scheduler, 1);
    assertEquals(List.of(List.of(0L), List.of(0L), List.of(1_000L), List.of(1_070L)), gaps);
  }

  @Test
  void eachAnswerHasGapsOfItsOwn() {
    Scheduler scheduler = timed(4, 16);
    submit(scheduler, prompt(1, 3), 4);
    step(scheduler, 2);
    scheduler.submit(List.of(prompt(0, 5, 2, 2)));
    step(scheduler, 2);
    assertEquals(
        List.of(
            List.of(0L),
            List.of(1_000L),
            List.of(1_000L, 0L), // the prompt of two answers
            List.of(1_000L, 1_000L, 1_000L)),
        gaps);
  }

  @Test
  void aRequestBeginsWithItsFirstPromptAndAnswersWithItsFirstToken() {
    Scheduler scheduler = timed(2, 16);
    clock.pass(PAUSE);
    RequestAccount first = submit(scheduler, prompt(7, 6), 2).account();
    clock.pass(PAUSE);
    List<SequenceRequest> prompts = List.of(prompt(0, 6, 1, 3), prompt(1, 6, 1, 3));
    RequestAccount several = scheduler.submit(prompts).account();
    runAll(scheduler);
    assertEquals(List.of(first, several), begun.removeFirst());
    assertEquals(List.of(first, several), answering.removeFirst());
    assertEquals(0, begun.stream().mapToInt(List::size).sum(), "its other prompt came later");
    assertEquals(0, answering.stream().mapToInt(List::size).sum());
    assertEquals(70, first.queueNanos());
    assertEquals(0, several.queueNanos());
    assertEquals(1_070, first.firstTokenNanos());
    assertEquals(1_000, several.firstTokenNanos());
  }

  @Test
  void aPromptWithoutAnAnswerHasNoFirstToken() {
    Scheduler scheduler = timed(2, 16);
    RequestAccount account = submit(scheduler, prompt(1, 4), 0).account();
    runAll(scheduler);
    assertEquals(List.of(List.of(account)), begun);
    assertEquals(List.of(List.of()), answering);
    assertEquals(List.of(List.of(0L)), gaps);
  }

  @Test
  void aFailedStepReportsNoTimes() {
    Scheduler scheduler = timed(2, 16);
    Generation generation = submit(scheduler, prompt(1, 4), 5);
    step(scheduler, 2);
    model.beforeForward(
        () -> {
          throw new IllegalStateException("on purpose");
        });
    step(scheduler, 1);
    generation.poll();
    assertThrows(IllegalStateException.class, generation::poll);
    assertEquals(List.of(List.of(0L), List.of(1_000L), List.of()), gaps);
  }

  @Test
  void aQueueIsFullWhenTheSmallestRequestWouldBeRefused() {
    Scheduler scheduler = scheduler(Schedulers.limits(1, 2, 8));
    assertEquals(null, scheduler.queueFullness());
    submit(scheduler, prompt(1, 4), 5);
    step(scheduler, 1);
    submit(scheduler, prompt(2, 4), 5);
    assertEquals(null, scheduler.queueFullness());
    submit(scheduler, prompt(3, 4), 5);
    String fullness = scheduler.queueFullness();
    assertEquals("the queue is full: 2 prompts wait and at most 2 may", fullness);
    QueueFullException refusal =
        assertThrows(QueueFullException.class, () -> submit(scheduler, prompt(4, 1), 1));
    assertEquals(fullness, refusal.getMessage());
    runAll(scheduler);
    assertEquals(null, scheduler.queueFullness());
  }
}
