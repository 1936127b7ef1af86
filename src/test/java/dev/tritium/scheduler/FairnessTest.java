package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.testing.FakeModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Nobody starves: not those that stream, not a long prompt, not the short ones behind it. */
class FairnessTest extends ByHand {
  private static final int LONG = 50_000;

  @BeforeEach
  void answerAtOnce() { // what is drawn does not matter here
    model = new FakeModel((tokens, row, at) -> row[at + 300 + tokens.size() % 3_000] = 20);
  }

  private static Generation greedy(Scheduler scheduler, int[] prompt, int maxTokens) {
    StopRules stop = new StopRules(maxTokens, 0, List.of(), Set.of());
    return scheduler.submit(
        List.of(new SequenceRequest(prompt, 0, Sampling.greedy(), stop, Logprobs.NONE)));
  }

  private List<Generation> streams(Scheduler scheduler, int count) {
    List<Generation> streams = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      streams.add(greedy(scheduler, prompt(100 + i, 2), Integer.MAX_VALUE));
    }
    step(scheduler, 1);
    return streams;
  }

  private static int tokens(List<AnswerDelta> deltas) {
    return deltas.stream().mapToInt(delta -> delta.tokens().size()).sum();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 8, 64})
  void aLongPromptStallsNoStreamAndIsStalledByNone(int count) {
    Scheduler scheduler = scheduler(Schedulers.limits(100, 200, 128, PLENTY, 512));
    List<Generation> streams = streams(scheduler, count);
    streams.forEach(Generation::poll);
    Generation prompt = greedy(scheduler, prompt(1, LONG), 1);
    int prefilled = 0;
    while (!prompt.isDone()) {
      step(scheduler, 1);
      for (Generation stream : streams) {
        assertEquals(1, tokens(stream.poll()), "in step " + model.rowsOfCalls().size());
      }
      int rows = prompt.account().prefilledTokens() - prefilled;
      prefilled += rows;
      assertTrue(prefilled == LONG || 3 * rows >= count + rows, rows + " rows");
      prompt.poll();
    }
    assertEquals(Math.ceilDiv(LONG, 128 - count), model.rowsOfCalls().size() - 1);
  }

  @Test
  void shortPromptsThatComeLaterPassALongOne() {
    Scheduler scheduler = scheduler(Schedulers.limits(100, 200, 128, PLENTY, 512));
    Generation first = greedy(scheduler, prompt(1, LONG), 1);
    step(scheduler, 3);
    for (int i = 2; i < 20; i++) {
      int before = first.account().prefilledTokens();
      Generation second = greedy(scheduler, prompt(i, 60), 1);
      step(scheduler, 1);
      assertEquals(1, tokens(second.poll()));
      assertEquals(before + 68, first.account().prefilledTokens(), "it moves on, too");
    }
  }

  @Test
  void shortPromptsThatKeepComingDoNotStopALongOne() {
    Scheduler scheduler = scheduler(Schedulers.limits(8, 200, 32, PLENTY, 512));
    Generation first = greedy(scheduler, prompt(1, 1_000), 1);
    int steps = 0;
    while (first.account().answerTokens() == 0) {
      while (scheduler.waitingCount() < 8) {
        greedy(scheduler, prompt(2 + model.tokensOfStates().size(), 100), 2);
      }
      step(scheduler, 1);
      steps++;
    }
    assertTrue(steps <= 1_000 / (32 / 8 - 1), "an eighth of the rows is its own: " + steps);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 7})
  void thoseThatWaitBeginInTheOrderInWhichTheyCame(int places) {
    Scheduler scheduler = scheduler(Schedulers.limits(places, 200, 32));
    List<Generation> all = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      all.add(greedy(scheduler, prompt(i, 1 + i * 37 % 80), 1 + i * 11 % 7));
    }
    while (scheduler.step()) {
      clock.pass(Duration.ofMillis(1));
    }
    for (int i = 1; i < all.size(); i++) {
      assertTrue(
          all.get(i - 1).account().queueNanos() <= all.get(i).account().queueNanos(),
          "request " + i);
    }
  }

  @Test
  void aLargeRequestIsNotOvertakenByTheSmallOnesBehindIt() {
    Scheduler scheduler = scheduler(Schedulers.limits(4, 200, 32));
    greedy(scheduler, prompt(1, 3), 9);
    step(scheduler, 1);
    Generation large = scheduler.submit(List.of(request(prompt(2, 3), 4, 2)));
    Generation small = greedy(scheduler, prompt(3, 3), 2);
    step(scheduler, 8);
    assertEquals(0, large.account().prefilledTokens() + small.account().prefilledTokens());
    step(scheduler, 2);
    assertEquals(8, tokens(large.poll()));
    step(scheduler, 2);
    assertEquals(2, tokens(small.poll()));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 10",
    "8, 10",
    "32, 10",
    "1, 300",
    "8, 300",
    "32, 300",
    "1, 1000",
    "8, 1000",
    "32, 1000",
    "1, 20000",
    "8, 20000",
    "32, 20000"
  })
  void stepsBesideAPrefillSettleWithinTheWantedTime(int count, long rowMicros) {
    long wanted = 50_000_000;
    SchedulerLimits limits =
        new SchedulerLimits(
            64,
            64,
            Integer.MAX_VALUE,
            Duration.ofDays(1),
            Duration.ZERO,
            Long.MAX_VALUE,
            128,
            Duration.ofNanos(wanted),
            0,
            512);
    Scheduler scheduler = scheduler(limits);
    clock.nanosPerCall = 5_000_000;
    clock.nanosPerRow = 1_000 * rowMicros;
    List<Generation> streams = streams(scheduler, count);
    greedy(scheduler, prompt(1, LONG), 1);
    step(scheduler, 100);
    int least = count + Math.max(4, Math.ceilDiv(count, 2));
    for (int s = 50; s < 100; s++) {
      Step step = steps.get(s);
      assertTrue(
          step.nanos() <= wanted || step.prefillRows() + count == least,
          step.nanos() + " ns with " + step.prefillRows() + " rows of the prompt");
      assertTrue(
          step.nanos() > 0.9 * wanted - clock.nanosPerRow || step.prefillRows() + count == 128);
    }
    streams.forEach(Generation::cancel);
    step(scheduler, 100);
    assertTrue(steps.getLast().nanos() <= Math.max(4 * wanted, 4 * clock.nanosPerRow + 5_000_000));
  }
}
