package dev.tritium.scheduler;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

/**
 * The compute thread of the process: steps all schedulers in turn while one has work, and sleeps
 * while none has.
 */
public final class EngineThread implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(EngineThread.class.getName());

  /** The compiler's slowest work needs that long; a request waits for one step of it at most. */
  private static final long IDLE_WARM_UP_NANOS = 3_000_000_000L;

  private final List<Scheduler> schedulers;
  private final Thread thread;
  private final CountDownLatch warm = new CountDownLatch(1);
  private List<WarmUp> warmUps; // one for each scheduler; none once they are over
  private int warmUpSteps;
  private long warmUpLeftNanos; // until it is warm, then until it is over
  private volatile long stepBeganNanos = System.nanoTime(); // or the look for something to do
  private volatile boolean asleep;
  private volatile boolean closed;

  /**
   * Starts the thread, which warms up the engine while there is nothing else to do.
   *
   * @param schedulers one for each model
   * @param warmUp how long at most until {@link #awaitWarm} returns, give or take a step; it goes
   *     on for 3 s after that. Zero: no warm-up at all
   */
  public EngineThread(List<Scheduler> schedulers, Duration warmUp) {
    this.schedulers = schedulers;
    this.warmUps =
        warmUp.isZero() ? List.of() : schedulers.stream().map(Scheduler::warmUp).toList();
    this.warmUpLeftNanos = warmUp.toNanos();
    this.thread = Thread.ofPlatform().name("tritium-engine").unstarted(this::run);
    schedulers.forEach(scheduler -> scheduler.onWork(() -> LockSupport.unpark(thread)));
    thread.start();
  }

  /** Waits until the engine's steps take the time they will go on to take, or the limit is over. */
  public void awaitWarm() {
    try {
      warm.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (!closed) {
        stepBeganNanos = System.nanoTime();
        asleep = false;
        if (step()) {
          continue;
        }
        if (!warmUps.isEmpty()) {
          warmUp();
        } else {
          warm.countDown();
          asleep = true;
          LockSupport.park(this);
        }
      }
    } finally {
      warm.countDown();
      DrainingException stopped = new DrainingException("the engine was stopped");
      schedulers.forEach(scheduler -> scheduler.endAll(stopped));
      step();
    }
  }

  /** One step of each scheduler; one that fails outside of its batch ends its requests alone. */
  private boolean step() {
    boolean worked = false;
    for (int i = 0; i < schedulers.size(); i++) {
      Scheduler scheduler = schedulers.get(i);
      try {
        worked |= scheduler.step();
      } catch (RuntimeException | Error e) {
        LOG.log(System.Logger.Level.ERROR, "the engine failed; all requests are ended", e);
        scheduler.failAll(e);
        worked = true;
      }
    }
    return worked;
  }

  private void warmUp() {
    long start = System.nanoTime();
    try {
      warmUps.get(warmUpSteps++ % warmUps.size()).step();
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.WARNING, "the warm-up failed", e);
      warmUps = List.of();
      return;
    }
    warmUpLeftNanos -= System.nanoTime() - start;
    boolean settled = warmUps.stream().allMatch(WarmUp::isSettled);
    if (warm.getCount() > 0 && (warmUpLeftNanos <= 0 || settled)) {
      warm.countDown();
      warmUpLeftNanos = IDLE_WARM_UP_NANOS;
    } else if (warmUpLeftNanos <= 0) {
      warmUps = List.of();
    }
  }

  public boolean isAlive() {
    return thread.isAlive();
  }

  /**
   * For how long no step has ended although there was something to do. A step that is under way
   * counts from its beginning, and a thread that sleeps from when the first request came.
   */
  public Duration stalledFor() {
    if (!asleep) {
      return Duration.ofNanos(System.nanoTime() - stepBeganNanos);
    }
    return schedulers.stream()
        .map(Scheduler::longestWait)
        .max(Duration::compareTo)
        .orElse(Duration.ZERO);
  }

  /** Ends the thread after its current step. */
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
