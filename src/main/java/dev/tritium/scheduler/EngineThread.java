package dev.tritium.scheduler;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The compute thread: steps a scheduler while it has work and sleeps while it has none. */
public final class EngineThread implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(EngineThread.class.getName());

  /** The compiler's slowest work needs that long; a request waits for one step of it at most. */
  private static final long IDLE_WARM_UP_NANOS = 3_000_000_000L;

  private final Scheduler scheduler;
  private final Thread thread;
  private final CountDownLatch warm = new CountDownLatch(1);
  private @Nullable WarmUp warmUp; // null once it is over
  private long warmUpLeftNanos; // until it is warm, then until it is over
  private volatile boolean closed;

  /**
   * Starts the thread, which warms up the engine while there is nothing else to do.
   *
   * @param warmUp how long at most until {@link #awaitWarm} returns, give or take a step; it goes
   *     on for 3 s after that. Zero: no warm-up at all
   */
  public EngineThread(Scheduler scheduler, Duration warmUp) {
    this.scheduler = scheduler;
    this.warmUp = warmUp.isZero() ? null : scheduler.warmUp();
    this.warmUpLeftNanos = warmUp.toNanos();
    this.thread = Thread.ofPlatform().name("tritium-engine").unstarted(this::run);
    scheduler.onWork(() -> LockSupport.unpark(thread));
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
    while (!closed) {
      if (step()) {
        continue;
      }
      if (warmUp != null) {
        warmUp(warmUp);
      } else {
        warm.countDown();
        LockSupport.park(this);
      }
    }
    warm.countDown();
    scheduler.failAll(new IllegalStateException("the engine was stopped"));
  }

  /** A step that fails outside of its batch ends all requests, never the thread. */
  private boolean step() {
    try {
      return scheduler.step();
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.ERROR, "the engine failed; all requests are ended", e);
      scheduler.failAll(e);
      return true;
    }
  }

  private void warmUp(WarmUp steps) {
    long start = System.nanoTime();
    try {
      steps.step();
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.WARNING, "the warm-up failed", e);
      warmUp = null;
      return;
    }
    warmUpLeftNanos -= System.nanoTime() - start;
    if (warm.getCount() > 0 && (warmUpLeftNanos <= 0 || steps.isSettled())) {
      warm.countDown();
      warmUpLeftNanos = IDLE_WARM_UP_NANOS;
    } else if (warmUpLeftNanos <= 0) {
      warmUp = null;
    }
  }

  public boolean isAlive() {
    return thread.isAlive();
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
