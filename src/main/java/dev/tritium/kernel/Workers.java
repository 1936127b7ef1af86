package dev.tritium.kernel;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The worker pool: splits a phase of work into chunks that several threads take in turn.
 *
 * <p>A token is some hundred phases of a few hundred microseconds, so between phases the threads
 * spin for a moment, then yield; after a millisecond without work they park, so an idle server uses
 * no CPU.
 */
// Yielding is the point: a foreign process on one of the cores would otherwise stall every phase.
@SuppressWarnings("ThreadPriorityCheck")
public final class Workers implements AutoCloseable {
  /** One chunk of a phase. */
  @FunctionalInterface
  public interface Task {
    /**
     * Runs one chunk.
     *
     * @param chunk in [0, chunks)
     * @param worker in [0, size()), for scratch memory: no two chunks run at once with the same one
     */
    void run(int chunk, int worker);
  }

  private static final int SPINS = 4000; // 20 to 50 microseconds
  private static final long PARK_AFTER_NANOS = 1_000_000;

  // Counters, two cache lines apart from each other and from the array's neighbours on the heap.
  private static final int PHASE = 32; // counts the phases begun, and the actions aside
  private static final int LEFT = 64; // chunks not yet taken; may fall below 0
  private static final int DONE = 96; // chunks done
  private static final int COUNTERS = 128;

  private final int size;
  private final String threadNames; // what they begin with
  private final Runnable atStart; // of each thread
  private final Member[] members; // size - 1 threads; the caller is worker 0
  private final AtomicIntegerArray counters = new AtomicIntegerArray(COUNTERS);
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile boolean closed;

  // The running phase, written before LEFT. A thread reads them only while it holds a chunk that
  // it has not counted as done: until then the phase cannot end, however late the thread woke up.
  private int chunks;
  private @Nullable Task task;
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final AtomicReference<@Nullable Runnable> aside = new AtomicReference<>();

  /** A pool of {@code size} threads, the caller included. */
  public Workers(int size) {
    this(size, "tritium-worker-", () -> {});
  }

  private Workers(int size, String threadNames, Runnable atStart) {
    if (size < 1) {
      throw new IllegalArgumentException("a worker pool has at least 1 thread, not " + size);
    }
    this.threadNames = threadNames;
    this.atStart = atStart;
    this.size = size;
    this.members = new Member[size - 1];
    for (int i = 0; i < members.length; i++) {
      members[i] = new Member(i + 1);
      members[i].thread.start();
    }
  }

  /** A pool of {@code size} threads with {@link LowPriority}; the caller keeps its own. */
  public static Workers ofLowPriority(int size) {
    return new Workers(size, "tritium-background-", LowPriority::enter);
  }

  public int size() {
    return size;
  }

  /**
   * Runs every chunk once and returns when all are done. What the caller wrote before is visible to
   * the chunks, what they wrote is visible to the caller. If a chunk throws, chunks not yet begun
   * are left out and the first exception is thrown here once every thread has stopped.
   *
   * @throws IllegalStateException if two threads call at the same time, a chunk calls again, or the
   *     pool is closed
   */
  public void forEach(int chunks, Task task) {
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException(
          "the worker pool has one caller at a time, and a phase is already running");
    }
    try {
      if (closed) {
        throw new IllegalStateException("the worker pool is closed");
      }
      if (chunks == 1 || members.length == 0) {
        for (int c = 0; c < chunks; c++) {
          task.run(c, 0);
        }
      } else if (chunks > 1) {
        runTogether(chunks, task);
      }
    } finally {
      busy.set(false);
    }
  }

  /**
   * Has another thread of the pool, while it waits for chunks, run an action that wakes threads of
   * somebody else: the system lets those take the core of who woke them, and all threads would wait
   * for the caller. It runs soon; after the next phase the caller runs what none has begun.
   *
   * @param action throws nothing
   */
  public void runAside(Runnable action) {
    if (members.length == 0 || closed) {
      action.run();
      return;
    }
    Runnable before = aside.getAndSet(action);
    wakeMembers();
    if (before != null) {
      before.run();
    }
  }

  private void takeAside() {
    Runnable action = aside.get() == null ? null : aside.getAndSet(null); // mostly one read
    if (action != null) {
      action.run();
    }
  }

  private void runTogether(int count, Task work) {
    chunks = count;
    task = work;
    counters.set(DONE, 0);
    counters.set(LEFT, count);
    wakeMembers();
    takeChunks(0);
    awaitDone(count);
    takeAside();
    task = null; // or an idle pool would keep a model's weights alive
    Throwable thrown = failure.getAndSet(null);
    if (thrown instanceof RuntimeException e) {
      throw e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
  }

  private void wakeMembers() {
    // Volatile write before volatile read here, the other way round in Member.park: at least one
    // of the two sees the other, so no wake-up is lost.
    counters.getAndIncrement(PHASE);
    for (Member member : members) {
      if (member.parked) {
        member.parked = false;
        LockSupport.unpark(member.thread);
      }
    }
  }

  private void takeChunks(int worker) {
    int taken = 0;
    for (int left = counters.getAndDecrement(LEFT);
        left > 0;
        left = counters.getAndDecrement(LEFT)) {
      run(chunks - left, worker);
      taken++;
    }
    if (taken > 0) {
      counters.getAndAdd(DONE, taken);
    }
  }

  private void run(int chunk, int worker) {
    Task work = task;
    if (work == null || failure.get() != null) {
      return;
    }
    try {
      work.run(chunk, worker);
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  private void awaitDone(int count) {
    for (int i = 0; counters.get(DONE) != count; i++) {
      if (i < SPINS) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
  }

  /**
   * Ends the threads.
   *
   * @throws IllegalStateException if a phase is running
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException("a phase is still running on the worker pool");
    }
    closed = true;
    wakeMembers();
    busy.set(false);
    for (Member member : members) {
      try {
        member.thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** A thread of the pool. */
  private final class Member implements Runnable {
    final Thread thread;
    volatile boolean parked;
    private final int worker;
    private int lastPhase;

    Member(int worker) {
      this.worker = worker;
      this.thread = Thread.ofPlatform().daemon().name(threadNames + worker).unstarted(this);
    }

    @Override
    public void run() {
      atStart.run();
      while (true) {
        awaitPhase();
        lastPhase = counters.get(PHASE);
        takeAside();
        if (closed) {
          return;
        }
        takeChunks(worker);
      }
    }

    private void awaitPhase() {
      for (int i = 0; i < SPINS; i++) {
        if (counters.get(PHASE) != lastPhase) {
          return;
        }
        Thread.onSpinWait();
      }
      long idleSince = System.nanoTime();
      while (counters.get(PHASE) == lastPhase) {
        if (System.nanoTime() - idleSince < PARK_AFTER_NANOS) {
          Thread.yield();
        } else {
          park();
        }
      }
    }

    private void park() {
      parked = true;
      if (counters.get(PHASE) == lastPhase) {
        LockSupport.park(Workers.this);
        Thread.interrupted(); // a set interrupt status would turn parking into spinning
      }
      parked = false;
    }
  }
}
