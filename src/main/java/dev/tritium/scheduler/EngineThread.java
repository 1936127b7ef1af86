package dev.tritium.scheduler;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * The compute thread of the process: runs the steps of all models' schedulers, by {@link Turns},
 * while one has work, and sleeps while none has.
 */
public final class EngineThread implements AutoCloseable {
  private static final Duration LOOK_FOR_ITS_END = Duration.ofMillis(100);

  private final Duration warmUp;
  private final Turns turns = new Turns(System::nanoTime);
  private final Thread thread;
  private volatile long stepBeganNanos = System.nanoTime(); // or the look for something to do
  private volatile boolean asleep;
  private volatile boolean closed;

  /**
   * Starts the thread.
   *
   * @param warmUp how much time of its own a model that is added may have until it is warm; it goes
   *     on for 3 s after that, while nobody has anything to do. Zero: no warm-up at all
   */
  public EngineThread(Duration warmUp) {
    this.warmUp = warmUp;
    this.thread = Thread.ofPlatform().name("tritium-engine").unstarted(this::run);
    thread.start();
  }

  /** Begins to run a model's scheduler, its warm-up first. */
  public void add(Scheduler scheduler) {
    scheduler.onWork(this::wake);
    turns.add(scheduler, warmUp);
    wake();
  }

  /** Ends what a scheduler still has, which no step uses any more when this returns. */
  public void remove(Scheduler scheduler) {
    turns.remove(scheduler);
    scheduler.endAll(new DrainingException("the model was unloaded"));
    scheduler.step(); // this thread is the only one that knows it
  }

  /**
   * Waits until the scheduler's steps take the time they will go on to take, its time to warm up is
   * over, or the thread has ended.
   */
  public void awaitWarm(Scheduler scheduler) {
    try {
      while (!turns.awaitWarm(scheduler, LOOK_FOR_ITS_END) && isAlive()) {}
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void wake() {
    LockSupport.unpark(thread);
  }

  private void run() {
    try {
      while (!closed) {
        stepBeganNanos = System.nanoTime();
        asleep = false;
        if (!turns.step()) {
          asleep = true;
          LockSupport.park(this);
        }
      }
    } finally {
      turns.endAll(new DrainingException("the engine was stopped"));
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
    return asleep ? turns.longestWait() : Duration.ofNanos(System.nanoTime() - stepBeganNanos);
  }

  /** Ends the thread after its current step. */
  @Override
  public void close() {
    closed = true;
    wake();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
