package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Models;
import dev.tritium.tokenizer.Tokenizer;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EngineThreadTest {
  private static final Tokenizer TOKENIZER = Tokenizer.open(Models.BUNDLED);

  private final FakeModel model = FakeModel.reciting(300);
  private final Scheduler scheduler =
      new Scheduler(
          model, TOKENIZER, new ScalarRowKernels(), Schedulers.limits(4, 100, 16), report -> {});
  private final EngineThread engine = thread(Duration.ZERO, scheduler);

  @AfterAll
  static void close() {
    TOKENIZER.close();
  }

  /** A thread that runs schedulers. */
  private static EngineThread thread(Duration warmUp, Scheduler... schedulers) {
    EngineThread thread = new EngineThread(warmUp);
    for (Scheduler scheduler : schedulers) {
      thread.add(scheduler);
    }
    return thread;
  }

  @AfterEach
  void end() {
    engine.close();
    assertFalse(engine.isAlive());
  }

  private Generation submit(int promptTokens, int maxTokens) {
    return submit(scheduler, promptTokens, maxTokens);
  }

  private static Generation submit(Scheduler to, int promptTokens, int maxTokens) {
    StopRules stop = new StopRules(maxTokens, 0, List.of(), Set.of());
    return to.submit(
        List.of(
            new SequenceRequest(new int[promptTokens], 0, Sampling.greedy(), stop, Logprobs.NONE)));
  }

  /** Reads to the end and returns the number of tokens. */
  private static int read(Generation generation) throws InterruptedException {
    int tokens = 0;
    Semaphore ready = new Semaphore(0);
    while (!generation.isDone()) {
      generation.onReady(Runnable::run, ready::release);
      assertTrue(ready.tryAcquire(10, TimeUnit.SECONDS), "no call after " + tokens + " tokens");
      tokens += generation.poll().stream().mapToInt(delta -> delta.tokens().size()).sum();
    }
    return tokens;
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "it did not happen in 10 s");
      Thread.sleep(1);
    }
  }

  private static Thread engineThread() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("tritium-engine"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void itWakesForEachRequest() throws Exception {
    for (int i = 0; i < 50; i++) {
      assertEquals(3, read(submit(2, 3)), "request " + i);
    }
  }

  @Test
  void itRunsAllSchedulersAndWakesForEach() throws Exception {
    Scheduler[] schedulers = {
      idle(FakeModel.reciting(300)), idle(FakeModel.reciting(300)), idle(FakeModel.reciting(300))
    };
    try (EngineThread thread = thread(Duration.ZERO, schedulers)) {
      Generation first = submit(schedulers[0], 2, 20);
      Generation last = submit(schedulers[2], 2, 20);
      assertEquals(20, read(first));
      assertEquals(20, read(last));
      assertEquals(3, read(submit(schedulers[1], 2, 3)), "it wakes for each");
      assertTrue(thread.isAlive());
    }
    for (Scheduler scheduler : schedulers) {
      assertThrows(DrainingException.class, () -> submit(scheduler, 2, 3));
    }
  }

  @Test
  @Timeout(60)
  void aSchedulerIsAddedAndRemovedWhileAnotherRuns() throws Exception {
    Generation endless = submit(2, 1_000_000);
    for (int round = 0; round < 20; round++) {
      FakeModel added = FakeModel.reciting(300);
      Scheduler other = idle(added);
      engine.add(other);
      assertEquals(3, read(submit(other, 2, 3)));
      Generation cut = submit(other, 2, 1_000_000);
      await(() -> cut.account().answerTokens() > 3);
      engine.remove(other);
      int calls = added.rowsOfCalls().size();
      assertThrows(DrainingException.class, () -> read(cut));
      assertThrows(DrainingException.class, () -> submit(other, 2, 3));
      int before = endless.account().answerTokens();
      await(() -> endless.account().answerTokens() > before + 10);
      assertEquals(calls, added.rowsOfCalls().size(), "no step once it is removed");
    }
    assertTrue(engine.isAlive());
  }

  @Test
  @Timeout(60)
  void removingWaitsForTheStepThatRuns() throws Exception {
    Semaphore inStep = new Semaphore(0);
    Semaphore goOn = new Semaphore(0);
    FakeModel slow = FakeModel.reciting(300);
    slow.beforeForward(
        () -> {
          inStep.release();
          goOn.acquireUninterruptibly();
        });
    Scheduler other = idle(slow);
    engine.add(other);
    submit(other, 2, 100);
    inStep.acquire();
    Thread remover = Thread.ofPlatform().start(() -> engine.remove(other));
    await(() -> remover.getState() == Thread.State.BLOCKED);
    goOn.release(1_000);
    remover.join();
    assertEquals(1, slow.rowsOfCalls().size());
  }

  @Test
  void itSleepsWhileThereIsNothingToDo() throws Exception {
    read(submit(2, 3));
    Thread thread = engineThread();
    await(() -> thread.getState() == Thread.State.WAITING);
    var threads = ManagementFactory.getThreadMXBean();
    long before = threads.getThreadCpuTime(thread.threadId());
    Thread.sleep(300);
    long usedMicros = (threads.getThreadCpuTime(thread.threadId()) - before) / 1_000;
    assertTrue(usedMicros < 10_000, usedMicros + " us of CPU time in 300 idle ms");
  }

  @Test
  void itOutlivesAListenerThatFails() throws Exception {
    AtomicBoolean fails = new AtomicBoolean(true);
    Scheduler fragile =
        new Scheduler(
            model,
            TOKENIZER,
            new ScalarRowKernels(),
            Schedulers.limits(1, 100, 16),
            report -> {
              if (fails.getAndSet(false)) {
                throw new AssertionError("on purpose");
              }
            });
    StopRules stop = new StopRules(3, 0, List.of(), Set.of());
    List<SequenceRequest> request =
        List.of(new SequenceRequest(new int[2], 0, Sampling.greedy(), stop, Logprobs.NONE));
    Generation runs = fragile.submit(request);
    Generation waits = fragile.submit(request);
    try (EngineThread thread = thread(Duration.ZERO, fragile)) {
      assertThrows(IllegalStateException.class, () -> read(runs));
      assertThrows(IllegalStateException.class, () -> read(waits));
      assertEquals(3, read(fragile.submit(request)));
      assertTrue(thread.isAlive());
    }
  }

  @Test
  void whatIsOpenFailsWhenItIsClosed() {
    Generation open = submit(2, 1_000_000);
    engine.close();
    assertThrows(DrainingException.class, () -> read(open));
  }

  private static Scheduler idle(FakeModel cold) {
    return new Scheduler(
        cold, TOKENIZER, new ScalarRowKernels(), Schedulers.limits(4, 100, 16), report -> {});
  }

  @Test
  void itWarmsUpThePrefillTheStepOfFourAndTheStepOfOneWithPromptsThatGrow() throws Exception {
    FakeModel cold = FakeModel.reciting(300);
    Scheduler idle = idle(cold);
    try (EngineThread thread = thread(Duration.ofMinutes(1), idle)) {
      thread.awaitWarm(idle); // settled, long before its limit
      assertTrue(thread.isAlive());
      assertEquals(0, idle.runningCount());
    }
    List<Integer> round = List.of(4, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1);
    List<Integer> rows = new ArrayList<>();
    for (int prompts : new int[] {4, 8, 16, 16}) {
      rows.add(prompts);
      rows.addAll(round);
    }
    assertEquals(rows, List.copyOf(cold.rowsOfCalls()).subList(0, rows.size()));
  }

  @Test
  void theWarmUpGoesOnForAnyNumberOfRounds() {
    WarmUp warmUp = idle(FakeModel.reciting(300)).warmUp();
    while (!warmUp.isSettled()) {
      warmUp.step();
    }
    for (int step = 0; step < 40 * 13; step++) {
      warmUp.step();
    }
    assertTrue(warmUp.isSettled());
  }

  /** Whether the step that takes it over its limit ends, or goes on for as long as it likes. */
  @ParameterizedTest
  @ValueSource(ints = {1, 0})
  @Timeout(60)
  void itIsWarmOnceItsLimitIsOverAndGoesOnWhileIdle(int stepsThatEnd) throws Exception {
    FakeModel cold = FakeModel.reciting(300);
    Semaphore steps = new Semaphore(stepsThatEnd);
    cold.beforeForward(steps::acquireUninterruptibly);
    Scheduler idle = idle(cold);
    try (EngineThread thread = thread(Duration.ofNanos(1), idle)) {
      thread.awaitWarm(idle); // the next step waits here
      steps.release(10);
      await(() -> cold.rowsOfCalls().size() > 5);
      steps.release(1_000_000);
    }
  }

  @Test
  void aRequestComesBeforeTheWarmUp() throws Exception {
    FakeModel cold = FakeModel.reciting(300);
    Scheduler idle = idle(cold);
    try (EngineThread thread = thread(Duration.ofMinutes(1), idle)) {
      assertEquals(3, read(submit(idle, 2, 3)));
      thread.awaitWarm(idle);
    }
  }

  @Test
  void withoutATimeForItThereIsNoWarmUp() {
    engine.awaitWarm(scheduler);
    assertEquals(List.of(), model.rowsOfCalls());
  }

  @Test
  void aWarmUpThatFailsLeavesAnEngineThatServes() throws Exception {
    FakeModel cold = FakeModel.reciting(300);
    cold.beforeForward(
        () -> {
          cold.beforeForward(() -> {});
          throw new IllegalStateException("on purpose");
        });
    Scheduler idle = idle(cold);
    try (EngineThread thread = thread(Duration.ofMinutes(1), idle)) {
      thread.awaitWarm(idle);
      assertEquals(0, cold.rowsOfCalls().size());
      assertEquals(3, read(submit(idle, 2, 3)));
    }
  }

  @Test
  void itGoesOnAfterAFailedStep() throws Exception {
    model.beforeForward(
        () -> {
          model.beforeForward(() -> {});
          throw new IllegalStateException("on purpose");
        });
    assertThrows(IllegalStateException.class, () -> read(submit(2, 3)));
    assertTrue(engine.isAlive());
    assertEquals(3, read(submit(2, 3)));
  }

  @Test
  @Timeout(60)
  void itIsStalledWhileAStepDoesNotEndAndNotWhileItSleeps() throws Exception {
    Semaphore steps = new Semaphore(1);
    model.beforeForward(steps::acquireUninterruptibly);
    Generation generation = submit(2, 3);
    await(() -> engine.stalledFor().toMillis() > 100);
    steps.release(10);
    assertEquals(3, read(generation));
    await(() -> engine.stalledFor().isZero());
    Thread.sleep(100);
    assertTrue(engine.stalledFor().isZero(), "it has nothing to do");
  }

  @Test
  @Timeout(60)
  void itIsStalledWhileNobodyWakesItForARequest() throws Exception {
    await(() -> engine.stalledFor().isZero());
    scheduler.onWork(() -> {});
    submit(2, 3);
    await(() -> engine.stalledFor().toMillis() > 100);
  }

  @Test
  void cancellingEmptiesTheScheduler() throws Exception {
    List<Generation> generations = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      generations.add(submit(i % 2 == 0 ? 2 : 5_000, 1_000_000));
    }
    await(() -> scheduler.runningCount() == 4 && scheduler.waitingCount() == 4);
    generations.forEach(Generation::cancel);
    await(() -> scheduler.runningCount() == 0 && scheduler.waitingCount() == 0);
  }

  @Test
  void closingEndsItInTheMiddleOfAnAnswer() throws Exception {
    Generation generation = submit(2, 1_000_000);
    await(() -> generation.account().answerTokens() > 3);
    engine.close();
    assertFalse(engine.isAlive());
  }

  @Test
  void clientsOnManyThreadsGetTheirAnswersWhileOthersLeave() throws Exception {
    try (var clients = Executors.newFixedThreadPool(8)) {
      List<Future<Void>> results = new ArrayList<>();
      for (int client = 0; client < 8; client++) {
        SplittableRandom random = new SplittableRandom(client);
        Callable<Void> work =
            () -> {
              for (int i = 0; i < 30; i++) {
                int tokens = 1 + random.nextInt(20);
                Generation generation = submit(1 + random.nextInt(40), tokens);
                if (random.nextInt(3) == 0) {
                  Thread.sleep(random.nextInt(2));
                  generation.cancel();
                } else {
                  assertEquals(tokens, read(generation));
                  assertEquals(tokens, generation.account().answerTokens());
                }
              }
              return null;
            };
        results.add(clients.submit(work));
      }
      for (Future<Void> result : results) {
        result.get(30, TimeUnit.SECONDS);
      }
    }
    await(() -> scheduler.runningCount() == 0 && scheduler.waitingCount() == 0);
  }
}
