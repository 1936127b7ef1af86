package dev.tritium.scheduler;

import dev.tritium.engine.AnswerBuffer;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.RequestAccount;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A request in the scheduler, as its client sees it. Deltas that were not read yet are merged, one
 * for each answer, so a slow reader holds no more than its answers.
 */
public final class Generation {
  private final RequestAccount account;
  private final long arrivalNanos;
  private final Runnable wakeEngine;
  private final AnswerBuffer[] pending; // by choice
  private boolean hasPending;
  private int unfinished;
  private @Nullable Throwable failure;
  private @Nullable Reader reader;
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
   * Has {@code reader} run once by {@code thread}, as soon as {@link #poll} has something, which
   * may be at once. A later call replaces a reader that was not called yet.
   */
  public void onReady(Executor thread, Runnable reader) {
    call(new Reader(thread, reader, false));
  }

  /** The same when all answers have ended, or the request has failed. */
  public void onDone(Executor thread, Runnable reader) {
    call(new Reader(thread, reader, true));
  }

  private void call(Reader asking) {
    synchronized (this) {
      if (!(hasPending && !asking.wantsAll) && failure == null && unfinished > 0) {
        reader = asking;
        return;
      }
    }
    asking.thread.execute(asking.action);
  }

  /**
   * Adds what a step added to an answer, if anything.
   *
   * @param ready gets the reader that is to be called now
   */
  void publish(AnswerBuffer added, ReadyReaders ready) {
    synchronized (this) {
      if (isAbandoned() || added.isEmpty()) {
        return;
      }
      pending[added.choice()].add(added);
      hasPending = true;
      if (added.finish() != null) {
        unfinished--;
      }
      if (reader != null && !(reader.wantsAll && unfinished > 0)) {
        takeReader(ready);
      }
    }
  }

  /** Ends the request; what was published before can still be read. */
  void fail(Throwable cause) {
    ReadyReaders ready = new ReadyReaders();
    synchronized (this) {
      if (isAbandoned() || unfinished == 0) {
        return;
      }
      failure = cause;
      takeReader(ready);
    }
    ready.call();
  }

  private void takeReader(ReadyReaders ready) {
    if (reader != null) {
      ready.add(reader.thread, reader.action);
      reader = null;
    }
  }

  /** Who waits for deltas. */
  private record Reader(Executor thread, Runnable action, boolean wantsAll) {}
}
