package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.EngineListener;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StepReport;
import dev.tritium.engine.StopRules;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.testing.Deltas;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Models;
import dev.tritium.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Steps by hand, on a model of scripted logits. */
class SchedulerTest {
  private static Tokenizer tokenizer;
  private final FakeModel model = FakeModel.random();

  @BeforeAll
  static void open() {
    tokenizer = Tokenizer.open(Models.BUNDLED);
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  private Scheduler scheduler(int maxRunning, int maxWaiting, int stepRows) {
    return scheduler(maxRunning, maxWaiting, stepRows, report -> {});
  }

  private Scheduler scheduler(
      int maxRunning, int maxWaiting, int stepRows, EngineListener listener) {
    SchedulerLimits limits = Schedulers.limits(maxRunning, maxWaiting, stepRows);
    return new Scheduler(model, tokenizer, new ScalarRowKernels(), limits, listener);
  }

  private static SequenceRequest request(int promptTokens, int maxTokens, int choice) {
    int[] prompt = IntStream.range(0, promptTokens).map(i -> 300 + i % 3_000).toArray();
    return new SequenceRequest(
        prompt,
        choice,
        Sampling.plain(promptTokens),
        new StopRules(maxTokens, 0, List.of(), Set.of()),
        Logprobs.NONE);
  }

  private static Generation submit(Scheduler scheduler, int promptTokens, int maxTokens) {
    return scheduler.submit(List.of(request(promptTokens, maxTokens, 0)));
  }

  /** A request for several answers. */
  private static List<SequenceRequest> answers(int count, int promptTokens, int maxTokens) {
    return IntStream.range(0, count)
        .mapToObj(choice -> request(promptTokens, maxTokens, choice))
        .toList();
  }

  private static void steps(Scheduler scheduler, int count) {
    for (int i = 0; i < count; i++) {
      assertTrue(scheduler.step(), "step " + i + " of " + count + " had nothing to do");
    }
  }

  private static int tokens(List<AnswerDelta> deltas) {
    return deltas.stream().mapToInt(delta -> delta.tokens().size()).sum();
  }

  @Test
  void anEmptySchedulerHasNothingToDo() {
    Scheduler scheduler = scheduler(2, 2, 128);
    assertFalse(scheduler.step());
    Generation generation = submit(scheduler, 3, 2);
    steps(scheduler, 2);
    assertEquals(FinishReason.LENGTH, generation.poll().getFirst().finish());
    assertTrue(generation.isDone());
    assertFalse(scheduler.step());
    assertEquals(List.of(3, 1), model.rowsOfCalls());
  }

  @Test
  void allThatRunShareOneBatch() {
    Scheduler scheduler = scheduler(8, 8, 128);
    for (int prompt = 1; prompt <= 5; prompt++) {
      submit(scheduler, prompt, 3);
    }
    steps(scheduler, 3);
    assertEquals(List.of(1 + 2 + 3 + 4 + 5, 5, 5), model.rowsOfCalls());
    assertFalse(scheduler.step());
  }

  @Test
  void theFirstToComeAreTheFirstToRun() {
    Scheduler scheduler = scheduler(2, 8, 128);
    List<Generation> generations = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      generations.add(submit(scheduler, 2, 3));
    }
    assertEquals(0, scheduler.runningCount());
    assertEquals(5, scheduler.waitingCount());
    for (int pair = 0; pair < 5; pair += 2) {
      steps(scheduler, 1);
      assertEquals(Math.min(2, 5 - pair), scheduler.runningCount());
      assertEquals(Math.max(0, 3 - pair), scheduler.waitingCount());
      for (int i = 0; i < 5; i++) {
        int drawn = generations.get(i).account().answerTokens();
        assertEquals(i < pair ? 3 : i < pair + 2 ? 1 : 0, drawn, "request " + i);
      }
      steps(scheduler, 2);
    }
    assertEquals(0, scheduler.runningCount());
    assertFalse(scheduler.step());
  }

  @Test
  void aFullQueueTakesAllAnswersOfARequestOrNone() {
    Scheduler scheduler = scheduler(1, 4, 128);
    scheduler.submit(answers(3, 2, 2));
    QueueFullException full =
        assertThrows(QueueFullException.class, () -> scheduler.submit(answers(2, 2, 2)));
    assertEquals("the queue is full: 3 prompts wait and at most 4 may", full.getMessage());
    assertEquals(3, scheduler.waitingCount());
    submit(scheduler, 2, 2);
    assertThrows(QueueFullException.class, () -> submit(scheduler, 2, 2));
    steps(scheduler, 1); // one of them runs now
    submit(scheduler, 2, 2);
    assertEquals(4, scheduler.waitingCount());
  }

  @Test
  void answersOfOneRequestComeUnderTheirChoices() {
    Scheduler scheduler = scheduler(2, 4, 128);
    Generation generation = scheduler.submit(answers(3, 4, 2));
    steps(scheduler, 2);
    List<AnswerDelta> deltas = generation.poll();
    assertEquals(List.of(0, 1), deltas.stream().map(AnswerDelta::choice).toList());
    assertFalse(generation.isDone(), "the third still waits");
    steps(scheduler, 2);
    assertEquals(List.of(2), generation.poll().stream().map(AnswerDelta::choice).toList());
    assertTrue(generation.isDone());
    assertEquals(12, generation.account().prefilledTokens());
    assertEquals(6, generation.account().answerTokens());
  }

  @Test
  void choicesThatAreNotNumberedThroughAreRefused() {
    Scheduler scheduler = scheduler(2, 4, 128);
    assertThrows(IllegalArgumentException.class, () -> scheduler.submit(List.of(request(2, 2, 1))));
    assertEquals(0, scheduler.waitingCount());
  }

  @Test
  void cancellingFreesASequenceWithinOneStepWhereverItIs() {
    Scheduler scheduler = scheduler(2, 8, 32);
    Generation decodes = submit(scheduler, 2, 100);
    Generation prefills = submit(scheduler, 5_000, 100);
    Generation waits = submit(scheduler, 2, 100);
    steps(scheduler, 3);
    assertEquals(2, scheduler.runningCount());
    assertEquals(1, scheduler.waitingCount());
    for (Generation generation : List.of(waits, prefills, decodes)) {
      generation.poll();
      generation.cancel();
    }
    int calls = model.rowsOfCalls().size();
    assertFalse(scheduler.step());
    assertEquals(calls, model.rowsOfCalls().size(), "nothing was run for them");
    assertEquals(0, scheduler.runningCount());
    assertEquals(0, scheduler.waitingCount());
    for (Generation generation : List.of(waits, prefills, decodes)) {
      assertEquals(List.of(), generation.poll());
    }
    assertEquals(2, model.tokensOfStates().size(), "the one that waited never began");
  }

  @Test
  void aStepWakesAThreadOnceForAllItsReaders() {
    Scheduler scheduler = scheduler(2, 8, 32);
    List<Generation> both = List.of(submit(scheduler, 2, 100), submit(scheduler, 2, 100));
    List<Runnable> tasks = new ArrayList<>();
    List<Integer> read = new ArrayList<>();
    Executor thread = tasks::add;
    both.forEach(
        generation -> generation.onReady(thread, () -> read.add(tokens(generation.poll()))));
    steps(scheduler, 1);
    assertEquals(1, tasks.size());
    tasks.forEach(Runnable::run);
    assertEquals(List.of(1, 1), read);
  }

  @Test
  void readersThatAreCalledLateMissNothing() {
    Scheduler scheduler = scheduler(2, 8, 32);
    List<Runnable> wakeUps = new ArrayList<>();
    scheduler.wakeReadersBy(wakeUps::add);
    List<Generation> both = List.of(submit(scheduler, 2, 100), submit(scheduler, 2, 100));
    List<Integer> read = new ArrayList<>();
    both.forEach(
        generation -> generation.onReady(Runnable::run, () -> read.add(tokens(generation.poll()))));
    steps(scheduler, 3);
    assertEquals(1, wakeUps.size(), "steps with nobody to be called");
    wakeUps.forEach(Runnable::run);
    assertEquals(List.of(3, 3), read);
  }

  @Test
  void nothingIsPublishedOnceARequestIsCancelledInTheMiddleOfAStep() {
    Scheduler scheduler = scheduler(2, 8, 32);
    Generation leaves = submit(scheduler, 2, 100);
    Generation stays = submit(scheduler, 2, 100);
    AtomicInteger called = new AtomicInteger();
    leaves.onReady(Runnable::run, called::incrementAndGet);
    model.beforeForward(leaves::cancel);
    steps(scheduler, 1);
    assertEquals(List.of(), leaves.poll());
    assertEquals(0, called.get());
    assertEquals(1, tokens(stays.poll()));
    steps(scheduler, 1);
    assertEquals(1, scheduler.runningCount());
  }

  @Test
  void aRequestThatCanNeverFitIsRefusedForGood() {
    Scheduler scheduler = scheduler(1, 2, 32);
    assertThrows(IllegalArgumentException.class, () -> scheduler.submit(answers(3, 2, 2)));
    assertEquals(0, scheduler.waitingCount());
  }

  @Test
  void aStepThatRunsOutOfMemoryEndsOnlyItsRequests() {
    Scheduler scheduler = scheduler(1, 8, 32);
    Generation fails = submit(scheduler, 2, 9);
    Generation waits = submit(scheduler, 2, 1);
    model.beforeForward(
        () -> {
          throw new OutOfMemoryError("on purpose");
        });
    steps(scheduler, 1);
    assertThrows(IllegalStateException.class, fails::poll);
    model.beforeForward(() -> {});
    steps(scheduler, 1);
    assertFalse(waits.poll().isEmpty());
  }

  @Test
  void aFailedStepEndsItsRequestsAndTheRestGoesOn() {
    Scheduler scheduler = scheduler(2, 8, 32);
    List<Generation> running = List.of(submit(scheduler, 2, 9), submit(scheduler, 60, 9));
    Generation waits = submit(scheduler, 2, 1);
    RuntimeException failure = new IllegalStateException("on purpose");
    AtomicInteger called = new AtomicInteger();
    running.forEach(generation -> generation.onReady(Runnable::run, called::incrementAndGet));
    model.beforeForward(
        () -> {
          throw failure;
        });
    steps(scheduler, 1);
    assertEquals(2, called.get());
    for (Generation generation : running) {
      assertSame(failure, assertThrows(IllegalStateException.class, generation::poll).getCause());
      generation.onReady(Runnable::run, called::incrementAndGet);
      assertFalse(generation.isDone());
    }
    assertEquals(4, called.get());
    assertEquals(0, scheduler.runningCount());
    assertEquals(1, scheduler.waitingCount());

    model.beforeForward(() -> {});
    steps(scheduler, 1);
    assertEquals(1, tokens(waits.poll()));
    assertTrue(waits.isDone());
  }

  @Test
  void answersThatWaitAreNotRunForARequestThatFailed() {
    Scheduler scheduler = scheduler(1, 8, 32);
    scheduler.submit(answers(3, 2, 9));
    model.beforeForward(
        () -> {
          throw new IllegalStateException("on purpose");
        });
    steps(scheduler, 1);
    model.beforeForward(() -> {});
    assertFalse(scheduler.step());
    assertEquals(0, scheduler.waitingCount());
  }

  @Test
  void aRequestThatCannotBeginFailsAlone() {
    Scheduler scheduler = scheduler(4, 8, 32);
    Generation good = submit(scheduler, 2, 1);
    Generation bad = submit(scheduler, 2, 1);
    AtomicInteger states = new AtomicInteger();
    model.beforeState(
        () -> {
          if (states.incrementAndGet() == 2) {
            throw new OutOfMemoryError("on purpose");
          }
        });
    steps(scheduler, 1);
    assertEquals(1, tokens(good.poll()));
    assertThrows(RuntimeException.class, bad::poll);
  }

  @Test
  void aTokenOutsideTheVocabularyIsRefusedAtOnce() {
    Scheduler scheduler = scheduler(4, 8, 32);
    StopRules stop = new StopRules(1, 0, List.of(), Set.of());
    for (int id : new int[] {-1, FakeModel.VOCABULARY}) {
      SequenceRequest request =
          new SequenceRequest(new int[] {5, id}, 0, Sampling.greedy(), stop, Logprobs.NONE);
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> scheduler.submit(List.of(request)));
      assertTrue(String.valueOf(e.getMessage()).contains(String.valueOf(id)), e::toString);
    }
    assertEquals(0, scheduler.waitingCount());
  }

  @Test
  void aReaderThatThrowsEndsNoOtherRequest() {
    Scheduler scheduler = scheduler(4, 8, 32);
    Generation bad = submit(scheduler, 2, 1);
    Generation good = submit(scheduler, 2, 2);
    bad.onReady(
        Runnable::run,
        () -> {
          throw new IllegalStateException("on purpose");
        });
    steps(scheduler, 2);
    assertEquals(2, tokens(good.poll()));
    assertEquals(1, tokens(bad.poll()));
  }

  @Test
  void runningAnswersGoOnWhileALongPromptIsPrefilled() {
    int stepRows = 128;
    Scheduler scheduler = scheduler(8, 16, stepRows);
    List<Generation> answers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      answers.add(submit(scheduler, 2, 1_000));
    }
    steps(scheduler, 1);
    Generation prompt = submit(scheduler, 5_000, 2);
    int step = 1;
    while (prompt.account().answerTokens() == 0) {
      steps(scheduler, 1);
      step++;
      for (Generation answer : answers) {
        assertEquals(step, answer.account().answerTokens(), "a token in step " + step);
      }
    }
    assertEquals(1 + (5_000 + 123) / 124, step, "4 of 128 rows decode");
    assertTrue(model.rowsOfCalls().stream().allMatch(rows -> rows <= stepRows));
    assertEquals(5_000, prompt.account().prefilledTokens());
    int[] expected = request(5_000, 2, 0).prompt();
    assertEquals(Arrays.stream(expected).boxed().toList(), model.tokensOfStates().getLast());
  }

  @Test
  void promptsMoveOnEvenWhenRunningAnswersFillTheStep() {
    Scheduler scheduler = scheduler(40, 40, 32);
    for (int i = 0; i < 32; i++) {
      submit(scheduler, 1, 100);
    }
    steps(scheduler, 1);
    Generation prompt = submit(scheduler, 48, 1);
    steps(scheduler, 3);
    assertEquals(List.of(32, 48, 48, 48), model.rowsOfCalls());
    assertTrue(tokens(prompt.poll()) == 1 && prompt.isDone());
  }

  @Test
  void promptsShareAStepAndWhatAShortOneLeavesGoesToTheOthers() {
    Scheduler scheduler = scheduler(8, 8, 20);
    Generation first = submit(scheduler, 100, 1);
    Generation second = submit(scheduler, 100, 1);
    Generation third = submit(scheduler, 3, 1);
    steps(scheduler, 1);
    assertEquals(9, first.account().prefilledTokens());
    assertEquals(8, second.account().prefilledTokens());
    assertTrue(tokens(third.poll()) == 1 && third.isDone());
    steps(scheduler, 1);
    assertEquals(19, first.account().prefilledTokens());
    assertEquals(18, second.account().prefilledTokens());
  }

  @Test
  void theOldestPromptsMoveOnWhenThereAreMorePromptsThanRows() {
    Scheduler scheduler = scheduler(8, 8, 4);
    List<Generation> prompts = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      prompts.add(submit(scheduler, 50, 1));
    }
    steps(scheduler, 10);
    for (int i = 0; i < 6; i++) {
      assertEquals(i < 4 ? 10 : 0, prompts.get(i).account().prefilledTokens(), "prompt " + i);
    }
    steps(scheduler, 65);
    assertFalse(scheduler.step(), "300 rows, 4 a step");
  }

  @Test
  void aSlowReaderGetsEverythingAtOnce() {
    Scheduler scheduler = scheduler(4, 8, 128);
    Generation slow = scheduler.submit(answers(2, 3, 50));
    steps(scheduler, 50);
    Scheduler another = scheduler(4, 8, 128);
    Generation quick = another.submit(answers(2, 3, 50));
    List<AnswerDelta> first = new ArrayList<>();
    List<AnswerDelta> second = new ArrayList<>();
    while (another.step()) {
      List<AnswerDelta> deltas = quick.poll();
      first.add(deltas.getFirst());
      second.add(deltas.getLast());
    }
    assertEquals(50, first.size());
    assertEquals(List.of(Deltas.join(first), Deltas.join(second)), slow.poll());
    assertTrue(slow.isDone() && quick.isDone());
  }

  /** What a step report said, kept. */
  private record Reported(List<RequestAccount> accounts, List<Integer> prefilled, int drawn) {
    static Reported of(StepReport report) {
      List<RequestAccount> accounts = new ArrayList<>();
      List<Integer> prefilled = new ArrayList<>();
      int drawn = 0;
      for (int g = 0; g < report.groups(); g++) {
        accounts.add(report.account(g));
        prefilled.add(report.prefillRows(g));
        drawn += report.drawn(g);
      }
      return new Reported(accounts, prefilled, drawn);
    }
  }

  @Test
  void theListenerHearsOfEveryRowOfEveryStep() {
    List<Reported> reports = new ArrayList<>();
    Scheduler scheduler =
        scheduler(
            4,
            8,
            16,
            report -> {
              reports.add(Reported.of(report));
              assertTrue(report.nanos() > 0);
            });
    RequestAccount first = submit(scheduler, 10, 3).account();
    RequestAccount second = submit(scheduler, 20, 0).account();
    steps(scheduler, 4);
    assertFalse(scheduler.step());
    assertEquals(
        List.of(
            new Reported(List.of(first, second), List.of(8, 8), 0),
            new Reported(List.of(first, second), List.of(2, 12), 1),
            new Reported(List.of(first), List.of(0), 1),
            new Reported(List.of(first), List.of(0), 1)),
        reports);
  }

  @Test
  void aReportHasRoomForAnyNumberOfGroups() {
    List<Reported> reports = new ArrayList<>();
    Scheduler scheduler = scheduler(50, 50, 128, report -> reports.add(Reported.of(report)));
    scheduler.submit(answers(50, 2, 1));
    steps(scheduler, 1);
    assertEquals(50, reports.getFirst().accounts().size());
    assertEquals(50, reports.getFirst().drawn());
  }

  @Test
  void theListenerHasHeardOfAStepBeforeItsEventsAreRead() {
    List<String> order = new ArrayList<>();
    Scheduler scheduler = scheduler(4, 8, 16, report -> order.add("reported"));
    Generation generation = submit(scheduler, 2, 1);
    generation.onReady(
        Runnable::run, () -> order.add("published, running " + scheduler.runningCount()));
    steps(scheduler, 1);
    assertEquals(List.of("reported", "published, running 0"), order);
  }

  @Test
  void aFailedStepReportsNoRows() {
    List<Reported> reports = new ArrayList<>();
    Scheduler scheduler = scheduler(4, 8, 16, report -> reports.add(Reported.of(report)));
    submit(scheduler, 2, 2);
    steps(scheduler, 1);
    model.beforeForward(
        () -> {
          throw new IllegalStateException("on purpose");
        });
    steps(scheduler, 1);
    assertEquals(new Reported(List.of(), List.of(), 0), reports.getLast());
  }

  /** A clock that stands still by itself; the process has two busy threads. */
  private record HandClock(AtomicLong now) implements Clock {
    @Override
    public long nanos() {
      return now.get();
    }

    @Override
    public long cpuNanos() {
      return 2 * now.get();
    }
  }

  @Test
  void promptsThatTakeLongToBeginLeaveTheRestToTheNextSteps() {
    AtomicLong now = new AtomicLong();
    long stepNanos = SchedulerLimits.defaults().stepTime().toNanos();
    model.beforeState(() -> now.addAndGet(stepNanos / 2));
    Scheduler scheduler =
        new Scheduler(
            model,
            tokenizer,
            new ScalarRowKernels(),
            SchedulerLimits.defaults(),
            report -> {},
            new HandClock(now));
    for (int i = 0; i < 3; i++) {
      submit(scheduler, 2 + i, 100);
    }
    for (int begun = 1; begun <= 3; begun++) {
      steps(scheduler, 1);
      assertEquals(begun, scheduler.runningCount());
    }
  }

  @Test
  void accountsShareTheTimeOfTheirStepsByRows() {
    AtomicLong now = new AtomicLong();
    Clock clock = new HandClock(now);
    model.beforeForward(() -> now.addAndGet(1_000));
    List<Long> cpu = new ArrayList<>();
    SchedulerLimits limits = Schedulers.limits(4, 8, 128);
    Scheduler scheduler =
        new Scheduler(
            model,
            tokenizer,
            new ScalarRowKernels(),
            limits,
            report -> cpu.add(report.cpuNanos()),
            clock);
    Object trace = new Object();
    RequestAccount large = scheduler.submit(List.of(request(30, 1, 0)), trace).account();
    RequestAccount small = submit(scheduler, 10, 2).account();
    now.addAndGet(500);
    steps(scheduler, 2);
    assertEquals(List.of(2_000L, 2_000L), cpu);
    assertSame(trace, large.trace());
    assertEquals(List.of(750L, 1_250L), List.of(large.computeNanos(), small.computeNanos()));
    assertEquals(List.of(500L, 500L), List.of(large.queueNanos(), small.queueNanos()));
    assertEquals(
        List.of(1_500L, 1_500L), List.of(large.firstTokenNanos(), small.firstTokenNanos()));
    small.addJoules(0.5);
    small.addJoules(0.25);
    assertEquals(0.75, small.joules());
  }

  @Test
  void limitsAreAtLeastOneEach() {
    assertThrows(IllegalArgumentException.class, () -> Schedulers.limits(0, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> Schedulers.limits(1, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> Schedulers.limits(1, 1, 0));
    assertThrows(IllegalArgumentException.class, () -> Schedulers.limits(1, 1, 1, -1, 1));
    assertThrows(IllegalArgumentException.class, () -> Schedulers.limits(1, 1, 1, 1, 0));
  }
}
