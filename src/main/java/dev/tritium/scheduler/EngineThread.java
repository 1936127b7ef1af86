package dev.tritium.scheduler;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** The compute thread: steps a scheduler while it has work and sleeps while it has none. */
public final class EngineThread implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(EngineThread.class.getName());

  private final Scheduler scheduler;
  private final Thread thread;
  private long warmUpNanos; // left
  private volatile boolean closed;

  /**
   * Starts the thread.
   *
   * @param warmUp how long it warms up the engine while there is nothing else to do
   */
  public EngineThread(Scheduler scheduler, Duration warmUp) {
    this.scheduler = scheduler;
    this.warmUpNanos = warmUp.toNanos();
    this.thread = Thread.ofPlatform().name("tritium-engine").unstarted(this::run);
    scheduler.onWork(() -> LockSupport.unpark(thread));
    thread.start();
  }

  private void run() {
    while (!closed) {
      if (step()) {
        continue;
      }
      if (warmUpNanos > 0) {
        warmUp();
      } else {
        LockSupport.park(this);
      }
    }
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

  private void warmUp() {
    long start = System.nanoTime();
    try {
      scheduler.warmUp();
      warmUpNanos -= System.nanoTime() - start;
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.WARNING, "the warm-up failed", e);
      warmUpNanos = 0;
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
