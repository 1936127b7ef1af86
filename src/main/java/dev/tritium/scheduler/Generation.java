package dev.tritium.scheduler;

import dev.tritium.engine.AnswerBuffer;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.RequestAccount;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A request in the scheduler, as its client sees it. Deltas that were not read yet are merged, one
 * for each answer, so a slow reader holds no more than its answers.
 */
public final class Generation {
  private static final System.Logger LOG = System.getLogger(Generation.class.getName());

  private final RequestAccount account;
  private final long arrivalNanos;
  private final Runnable wakeEngine;
  private final AnswerBuffer[] pending; // by choice
  private boolean hasPending;
  private int unfinished;
  private @Nullable Throwable failure;
  private @Nullable Runnable reader;
  private boolean readerWantsAll;
  private boolean cancelled;

  /**
   * A request that has just come.
   *
   * @param arrivalNanos of the scheduler's clock
   */
  Generation(int answers, RequestAccount account, long arrivalNanos, Runnable wakeEngine) {
    this.account = account;
    this.arrivalNanos = arrivalNanos;
    this.pending = new AnswerBuffer[answers];
    Arrays.setAll(pending, AnswerBuffer::new);
    this.unfinished = answers;
    this.wakeEngine = wakeEngine;
  }

  /** What the request has used; complete once {@link #isDone}. */
  public RequestAccount account() {
    return account;
  }

  /** When it came, on the scheduler's clock: that of {@link System#nanoTime} in a server. */
  public long arrivalNanos() {
    return arrivalNanos;
  }

  /** Frees the request's sequences within one step; nothing more is published. */
  public void cancel() {
    synchronized (this) {
      cancelled = true;
      reader = null;
    }
    wakeEngine.run();
  }

  /** Whether the client has left. */
  synchronized boolean isCancelled() {
    return cancelled;
  }

  /** Whether nobody waits for more: the client has left, or is told why the request was ended. */
  synchronized boolean isAbandoned() {
    return cancelled || failure != null;
  }

  /**
   * Takes what was added since the last call, at most one delta for each answer.
   *
   * @throws RequestTimeoutException if the request took too long
   * @throws DrainingException if the engine ended before the request was done
   * @throws IllegalStateException with the cause, if the engine failed
   */
  public List<AnswerDelta> poll() {
    return take(buffer -> List.of(buffer.toDelta()));
  }

  /** Takes the same as one delta for each token; it throws as {@link #poll} does. */
  public List<AnswerDelta> pollTokens() {
    return take(AnswerBuffer::toDeltas);
  }

  /**
   * Takes all answers once they have ended; it throws as {@link #poll} does, also when there is
   * something to take.
   */
  public synchronized List<AnswerDelta> pollWhole() {
    requireNoFailure();
    return poll();
  }

  private synchronized List<AnswerDelta> take(Function<AnswerBuffer, List<AnswerDelta>> form) {
    if (!hasPending) {
      requireNoFailure();
    }
    List<AnswerDelta> deltas = new ArrayList<>();
    for (AnswerBuffer answer : pending) {
      if (!answer.isEmpty()) {
        deltas.addAll(form.apply(answer));
        answer.clear();
      }
    }
    hasPending = false;
    return deltas;
  }

  private void requireNoFailure() {
    if (failure != null) {
      throw failure instanceof RequestTimeoutException || failure instanceof DrainingException
          ? (RuntimeException) failure
          : new IllegalStateException("the engine failed", failure);
    }
  }

  /** Whether nothing more will come: all answers have ended and were read, or it was cancelled. */
  public synchronized boolean isDone() {
    return cancelled || (unfinished == 0 && !hasPending);
  }

  /**
   * Calls {@code reader} once, as soon as {@link #poll} has something: at once if it has already,
   * else on the engine's thread. A later call replaces a reader that was not called yet.
   */
  public void onReady(Runnable reader) {
    call(reader, false);
  }

  /**
   * Calls {@code reader} in the same way when all answers have ended, or the request has failed.
   */
  public void onDone(Runnable reader) {
    call(reader, true);
  }

  private void call(Runnable reader, boolean wantsAll) {
    synchronized (this) {
      if (!(hasPending && !wantsAll) && failure == null && unfinished > 0) {
        this.reader = reader;
        this.readerWantsAll = wantsAll;
        return;
      }
    }
    reader.run();
  }

  /** Adds what a step added to an answer, if anything. */
  void publish(AnswerBuffer added) {
    Runnable ready;
    synchronized (this) {
      if (isAbandoned() || added.isEmpty()) {
        return;
      }
      pending[added.choice()].add(added);
      hasPending = true;
      if (added.finish() != null) {
        unfinished--;
      }
      ready = readerWantsAll && unfinished > 0 ? null : takeReader();
    }
    run(ready);
  }

  /** Ends the request; what was published before can still be read. */
  void fail(Throwable cause) {
    Runnable ready;
    synchronized (this) {
      if (isAbandoned() || unfinished == 0) {
        return;
      }
      failure = cause;
      ready = takeReader();
    }
    run(ready);
  }

  private @Nullable Runnable takeReader() {
    Runnable taken = reader;
    reader = null;
    return taken;
  }

  /** Calls a reader on the engine's thread, where its failure must not end other requests. */
  private static void run(@Nullable Runnable ready) {
    if (ready == null) {
      return;
    }
    try {
      ready.run();
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.ERROR, "a request's reader failed", e);
    }
  }
}
