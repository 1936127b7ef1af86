package dev.tritium.scheduler;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whose step is next: of the schedulers that have something to do, the one whose steps have taken
 * the least time so far, so that each model gets an equal share of the time while it needs it,
 * however long its steps are. One that was idle is owed nothing for that: it begins at the level of
 * the others.
 *
 * <p>The warm-up of a new model takes its turns as steps do, until it is warm; after that it goes
 * on while nobody has anything to do. Any thread may add and remove; one thread calls {@link
 * #step}.
 */
final class Turns {
  private static final System.Logger LOG = System.getLogger(Turns.class.getName());

  /** The compiler's slowest work needs that long; a request waits for one step of it at most. */
  private static final long IDLE_WARM_UP_NANOS = 3_000_000_000L;

  private final LongSupplier nanos;
  private volatile Turn[] turns = {};
  private long levelNanos; // that the last one to have its turn had had before it

  /**
   * @param nanos the clock by which steps are timed
   */
  Turns(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** A scheduler, and the time it has had. */
  private static final class Turn {
    final Scheduler scheduler;
    final CountDownLatch warm = new CountDownLatch(1);
    private @Nullable WarmUp warmUp; // null once it is over
    private boolean early = true; // the part of it that the model waits for
    private volatile long warmUpLeftNanos; // of that part, then of the warm-up
    private volatile long warmUpStepNanos; // when its step began; 0: none runs
    private long spentNanos;
    private boolean active; // had something to do when it was last looked at
    private boolean removed; // guarded by this

    Turn(Scheduler scheduler, Duration warmUp) {
      this.scheduler = scheduler;
      this.warmUp = warmUp.isZero() ? null : scheduler.warmUp();
      this.warmUpLeftNanos = warmUp.toNanos();
      if (warmUp.isZero()) {
        warm.countDown();
      }
    }

    boolean isWarm() {
      return warm.getCount() == 0;
    }

    /** How much of its time is left, the step that runs included. */
    long warmUpLeft(long now) {
      long began = warmUpStepNanos;
      return warmUpLeftNanos - (began == 0 ? 0 : now - began);
    }

    void look(long levelNanos) {
      boolean isActive = !scheduler.isIdle() || !isWarm();
      if (isActive && !active) {
        spentNanos = Math.max(spentNanos, levelNanos);
      }
      active = isActive;
    }
  }

  /**
   * Adds a scheduler, at the level of the others.
   *
   * @param warmUp how much time of its own it may have until it is warm; zero: no warm-up at all
   */
  synchronized void add(Scheduler scheduler, Duration warmUp) {
    Turn[] more = new Turn[turns.length + 1];
    System.arraycopy(turns, 0, more, 0, turns.length);
    more[turns.length] = new Turn(scheduler, warmUp);
    turns = more;
  }

  /** Removes a scheduler: when this returns none of its steps runs, and none will. */
  void remove(Scheduler scheduler) {
    Turn turn = of(scheduler);
    if (turn == null) {
      return;
    }
    synchronized (this) {
      Turn[] fewer = new Turn[turns.length - 1];
      int kept = 0;
      for (Turn other : turns) {
        if (!other.equals(turn)) {
          fewer[kept++] = other;
        }
      }
      turns = fewer;
    }
    synchronized (turn) { // a step that runs ends first
      turn.removed = true;
    }
    turn.warm.countDown();
  }

  private @Nullable Turn of(Scheduler scheduler) {
    for (Turn turn : turns) {
      if (turn.scheduler.equals(scheduler)) {
        return turn;
      }
    }
    return null;
  }

  /**
   * Waits until the scheduler is warm, which it is once its time is over, even if its step is not:
   * the first one may take a second. Or until it was removed; returns false if it took too long.
   */
  boolean awaitWarm(Scheduler scheduler, Duration limit) throws InterruptedException {
    Turn turn = of(scheduler);
    if (turn == null) {
      return true;
    }
    long wait = Math.min(limit.toNanos(), turn.warmUpLeft(nanos.getAsLong()));
    if (turn.warm.await(wait, TimeUnit.NANOSECONDS)) {
      return true;
    }
    if (turn.warmUpLeft(nanos.getAsLong()) <= 0) {
      turn.warm.countDown();
    }
    return turn.isWarm();
  }

  /** For how long the first prompt of any queue has waited. */
  Duration longestWait() {
    Duration longest = Duration.ZERO;
    for (Turn turn : turns) {
      Duration wait = turn.scheduler.longestWait();
      longest = wait.compareTo(longest) > 0 ? wait : longest;
    }
    return longest;
  }

  /** Ends every request, and takes no more. For the thread that steps. */
  void endAll(RuntimeException reason) {
    for (Turn turn : turns) {
      turn.warmUp = null;
      turn.scheduler.endAll(reason);
      run(turn);
      turn.warm.countDown();
    }
  }

  /**
   * Runs the next step, of a request or of a warm-up. It allocates nothing itself.
   *
   * @return false if there is nothing to do
   */
  boolean step() {
    Turn[] all = turns;
    for (Turn turn : all) {
      turn.look(levelNanos);
    }
    for (Turn next = next(all); next != null; next = next(all)) {
      levelNanos = Math.max(levelNanos, next.spentNanos);
      long start = nanos.getAsLong();
      boolean worked = run(next);
      next.spentNanos += nanos.getAsLong() - start;
      if (worked) {
        return true;
      }
      next.active = false;
    }
    for (Turn turn : all) {
      WarmUp warmUp = turn.warmUp;
      if (warmUp != null && warmUp(turn, warmUp)) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable Turn next(Turn[] turns) {
    Turn next = null;
    for (Turn turn : turns) {
      if (turn.active && (next == null || turn.spentNanos < next.spentNanos)) {
        next = turn;
      }
    }
    return next;
  }

  /** A step of a scheduler, or of its first warm-up; a failure ends its own requests alone. */
  private boolean run(Turn turn) {
    synchronized (turn) {
      if (turn.removed) {
        return false;
      }
      try {
        if (turn.scheduler.step()) {
          return true;
        }
      } catch (RuntimeException | Error e) {
        LOG.log(System.Logger.Level.ERROR, "the engine failed; a model's requests are ended", e);
        turn.scheduler.failAll(e);
        return true;
      }
    }
    WarmUp warmUp = turn.warmUp;
    return warmUp != null && !turn.isWarm() && warmUp(turn, warmUp);
  }

  private boolean warmUp(Turn turn, WarmUp warmUp) {
    long start = nanos.getAsLong();
    synchronized (turn) {
      if (turn.removed) {
        turn.warmUp = null;
        return false;
      }
      turn.warmUpStepNanos = start;
      try {
        warmUp.step();
      } catch (RuntimeException | Error e) {
        LOG.log(System.Logger.Level.WARNING, "the warm-up failed", e);
        turn.warmUp = null;
        turn.warm.countDown();
        return true;
      }
    }
    long left = turn.warmUpLeftNanos - (nanos.getAsLong() - start);
    if (turn.early && (left <= 0 || warmUp.isSettled())) {
      turn.early = false;
      turn.warm.countDown();
      left = IDLE_WARM_UP_NANOS;
    } else if (left <= 0) {
      turn.warmUp = null;
    }
    turn.warmUpStepNanos = 0; // first, or the step would count twice
    turn.warmUpLeftNanos = left;
    return true;
  }
}
