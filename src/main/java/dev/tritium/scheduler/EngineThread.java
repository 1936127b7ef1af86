package dev.tritium.scheduler;

import java.util.concurrent.locks.LockSupport;

/** The compute thread: steps a scheduler while it has work and sleeps while it has none. */
public final class EngineThread implements AutoCloseable {
  private final Scheduler scheduler;
  private final Thread thread;
  private volatile boolean closed;

  /** Starts the thread. */
  public EngineThread(Scheduler scheduler) {
    this.scheduler = scheduler;
    this.thread = Thread.ofPlatform().name("tritium-engine").unstarted(this::run);
    scheduler.onWork(() -> LockSupport.unpark(thread));
    thread.start();
  }

  private void run() {
    while (!closed) {
      if (!scheduler.step()) {
        LockSupport.park(this);
      }
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
