package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.SequenceRequest;
import dev.tritium.kernel.ScalarRowKernels;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who is let in, who waits, who is sent away and until when. */
class AdmissionTest extends ByHand {
  private static final Duration DAY = Duration.ofDays(1);

  static SchedulerLimits limits(
      int maxRunning, int maxWaitingTokens, long stateBytes, Duration timeout, long cacheBytes) {
    return limits(maxRunning, maxWaitingTokens, stateBytes, timeout, cacheBytes, DAY);
  }

  private static SchedulerLimits limits(
      int maxRunning,
      int maxWaitingTokens,
      long stateBytes,
      Duration timeout,
      long cacheBytes,
      Duration maxWait) {
    return new SchedulerLimits(
        maxRunning, 500, maxWaitingTokens, maxWait, timeout, stateBytes, 32, DAY, cacheBytes, 512);
  }

  @Test
  void theQueueHoldsOnlySoManyTokens() {
    Scheduler scheduler = scheduler(limits(1, 400, PLENTY, Duration.ZERO, 0));
    submit(scheduler, prompt(1, 300), 1);
    List<SequenceRequest> tooMuch = List.of(request(prompt(2, 101), 1, 1));
    QueueFullException full =
        assertThrows(QueueFullException.class, () -> scheduler.submit(tooMuch));
    assertEquals(
        "the queue is full: the prompts that wait have 300 tokens and may have 400",
        full.getMessage());
    assertEquals(300, scheduler.waitingTokens());
    submit(scheduler, prompt(2, 100), 1);
    step(scheduler, 1);
    assertEquals(100, scheduler.waitingTokens(), "the first one runs");
    runAll(scheduler);
    assertAtRest(scheduler);
  }

  @Test
  void aRequestIsTakenWholeOrNotAtAll() {
    Scheduler scheduler = scheduler(limits(1, 400, PLENTY, Duration.ZERO, 0));
    submit(scheduler, prompt(1, 300), 1);
    SequenceRequest fits = request(prompt(2, 50), 1, 1);
    SequenceRequest second =
        new SequenceRequest(prompt(3, 51), 1, 1, "", fits.sampling(), fits.stop(), fits.logprobs());
    assertThrows(QueueFullException.class, () -> scheduler.submit(List.of(fits, second)));
    assertEquals(1, scheduler.waitingCount());
    assertEquals(300, scheduler.waitingTokens());
  }

  @Test
  void whatWillNeverFitIsRefusedForGood() {
    Scheduler scheduler = scheduler(limits(4, 400, 4 * 100, Duration.ZERO, 0));
    for (SequenceRequest never :
        List.of(
            request(prompt(1, 401), 1, 1),
            request(prompt(1, 4), 5, 1),
            request(prompt(1, 50), 1, 51),
            request(prompt(1, 20), 4, 6),
            request(prompt(1, 1), 4, Integer.MAX_VALUE))) {
      assertThrows(IllegalArgumentException.class, () -> scheduler.submit(List.of(never)));
    }
    assertAtRest(scheduler);
    scheduler.submit(List.of(request(prompt(1, 20), 4, 5)));
    runAll(scheduler);
    assertAtRest(scheduler);
  }

  @Test
  void aRequestWaitsUntilThereIsMemoryForItsAnswersAtTheirLongest() {
    Scheduler scheduler = scheduler(limits(8, 400, 4 * 100, Duration.ZERO, 0));
    Generation first = scheduler.submit(List.of(request(prompt(1, 15), 2, 5)));
    Generation second = submit(scheduler, prompt(2, 58), 3);
    Generation third = submit(scheduler, prompt(3, 5), 3);
    step(scheduler, 4);
    assertEquals(2, scheduler.runningCount(), "40 tokens of 100 are reserved");
    assertEquals(0, second.account().prefilledTokens());
    assertEquals(0, third.account().prefilledTokens(), "it does not overtake");
    step(scheduler, 1);
    assertTrue(!first.poll().isEmpty() && first.isDone());
    step(scheduler, 1);
    assertEquals(2, scheduler.runningCount());
    runAll(scheduler);
    assertAtRest(scheduler);
  }

  @Test
  void theTokensThatWaitAreCountedOutHoweverTheyLeave() {
    Scheduler scheduler = scheduler(limits(1, 400, PLENTY, Duration.ofSeconds(9), 0));
    submit(scheduler, prompt(1, 20), 50);
    step(scheduler, 1);
    Generation cancelled = submit(scheduler, prompt(2, 30), 1);
    assertEquals(30, scheduler.waitingTokens());
    cancelled.cancel();
    step(scheduler, 1);
    assertEquals(0, scheduler.waitingTokens());

    Generation late = submit(scheduler, prompt(2, 30), 1);
    clock.pass(Duration.ofSeconds(10));
    submit(scheduler, prompt(3, 7), 1);
    model.beforeState(
        () -> {
          throw new IllegalStateException("on purpose");
        });
    assertFalse(scheduler.step());
    assertThrows(RequestTimeoutException.class, late::poll);
    assertEquals(0, scheduler.waitingTokens(), "one was late, one could not begin");

    model.beforeState(() -> {});
    submit(scheduler, prompt(2, 30), 1);
    scheduler.failAll(new IllegalStateException("on purpose"));
    assertAtRest(scheduler);
  }

  @Test
  void whoHearsThatItsTimeIsOverMayComeAgainAtOnce() {
    Scheduler scheduler = scheduler(limits(1, 400, PLENTY, Duration.ofSeconds(9), 0));
    List<Generation> again = new ArrayList<>();
    List<Generation> late = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      late.add(submit(scheduler, prompt(i, 30), 1));
      late.getLast().onReady(Runnable::run, () -> again.add(submit(scheduler, prompt(9, 40), 1)));
    }
    clock.pass(Duration.ofSeconds(10));
    scheduler.step();
    for (Generation generation : late) {
      assertThrows(RequestTimeoutException.class, generation::poll);
    }
    runAll(scheduler);
    assertEquals(3, again.size());
    for (Generation generation : again) {
      assertEquals(alone(request(prompt(9, 40), 1, 1)), read(generation));
    }
    assertAtRest(scheduler);
  }

  /** With rows of 10 ms and answers of at most 50 tokens. */
  private Scheduler slow(int maxRunning, Duration maxWait) {
    clock.nanosPerRow = 10_000_000;
    return scheduler(limits(maxRunning, 10_000, PLENTY, Duration.ZERO, 0, maxWait));
  }

  @Test
  void nobodyWaitsWhileThereArePlaces() {
    Scheduler scheduler = slow(3, DAY);
    submit(scheduler, prompt(1, 30), 50);
    submit(scheduler, prompt(2, 30), 50);
    step(scheduler, 3);
    assertEquals(Duration.ZERO, scheduler.estimatedWait());
  }

  @Test
  void theEstimateIsNearTheWait() {
    Scheduler scheduler = slow(4, DAY);
    for (int i = 0; i < 12; i++) {
      submit(scheduler, prompt(i, 30), 50);
    }
    step(scheduler, 1);
    double estimate = scheduler.estimatedWait().toNanos();
    Generation last = submit(scheduler, prompt(12, 30), 50);
    runAll(scheduler);
    double wait = last.account().queueNanos();
    assertTrue(estimate > 0.7 * wait && estimate < 1.4 * wait, estimate + " for " + wait);
  }

  @Test
  void whoWouldWaitTooLongIsToldWhenToComeAgain() {
    Scheduler scheduler = slow(1, Duration.ofSeconds(2));
    submit(scheduler, prompt(1, 30), 50);
    step(scheduler, 1);
    submit(scheduler, prompt(2, 300), 50);
    List<SequenceRequest> third = List.of(request(prompt(3, 30), 1, 50));
    QueueFullException full = assertThrows(QueueFullException.class, () -> scheduler.submit(third));
    assertEquals(Duration.ofSeconds(3), Duration.ofSeconds(full.retryAfter().toSeconds()));
    assertEquals(1, scheduler.waitingCount());
    assertEquals(300, scheduler.waitingTokens());
    runAll(scheduler);
    scheduler.submit(third);
    runAll(scheduler);
    assertAtRest(scheduler);
  }

  @Test
  void comingAgainIsWorthASecondAtLeastAndHalfAMinuteAtMost() {
    Scheduler scheduler = slow(1, Duration.ofMillis(1));
    submit(scheduler, prompt(1, 30), 9);
    step(scheduler, 1);
    List<SequenceRequest> second = List.of(request(prompt(2, 10), 1, 1));
    assertEquals(
        Duration.ofSeconds(1),
        assertThrows(QueueFullException.class, () -> scheduler.submit(second)).retryAfter());
    Scheduler full = slow(1, DAY);
    submit(full, prompt(1, 30), 9);
    step(full, 1);
    submit(full, prompt(2, 9_900), 9);
    List<SequenceRequest> third = List.of(request(prompt(3, 300), 1, 9));
    assertEquals(
        Duration.ofSeconds(30),
        assertThrows(QueueFullException.class, () -> full.submit(third)).retryAfter());
  }

  @Test
  void thereIsNoWaitOnceAllHaveLeft() {
    Scheduler scheduler = slow(1, Duration.ofSeconds(2));
    Generation leaves = submit(scheduler, prompt(1, 400), 50);
    step(scheduler, 1);
    List<SequenceRequest> next = List.of(request(prompt(2, 10), 1, 1));
    assertThrows(QueueFullException.class, () -> scheduler.submit(next));
    leaves.cancel();
    assertFalse(scheduler.step());
    assertEquals(Duration.ZERO, scheduler.estimatedWait());
    scheduler.submit(next);
    runAll(scheduler);
    assertAtRest(scheduler);
  }

  @Test
  void stepsOfOneRowDoNotMakeABurstLookEndless() {
    clock.nanosPerCall = 30_000_000;
    clock.nanosPerRow = 500_000;
    Scheduler scheduler = scheduler(limits(8, 1_000, PLENTY, Duration.ZERO, 0));
    run(scheduler, prompt(1, 30), 200);
    List<Generation> burst = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      burst.add(submit(scheduler, prompt(i, 30), 30));
    }
    Duration estimate = scheduler.estimatedWait();
    runAll(scheduler);
    long wait = burst.getLast().account().queueNanos();
    assertTrue(estimate.toNanos() < 3 * wait, estimate + " for " + Duration.ofNanos(wait));
  }

  @Test
  void queueTimeIsNeverNegative() {
    Scheduler[] scheduler = new Scheduler[1];
    List<Generation> late = new ArrayList<>();
    Clock racing =
        new Clock() {
          @Override
          public long nanos() {
            return clock.nanos();
          }

          @Override
          public long cpuNanos() { // read when the step has begun
            if (late.isEmpty()) {
              clock.now += 5;
              late.add(submit(scheduler[0], prompt(1, 3), 1));
            }
            return 0;
          }
        };
    scheduler[0] =
        new Scheduler(
            model,
            tokenizer,
            new ScalarRowKernels(),
            Schedulers.limits(1, 1, 8),
            report -> {},
            racing);
    step(scheduler[0], 1);
    assertEquals(0, late.getFirst().account().queueNanos());
  }
}
