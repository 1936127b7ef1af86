package dev.tritium.scheduler;

/** A request was not taken because the queue is full; it may be sent again later. */
public final class QueueFullException extends RuntimeException {
  private static final long serialVersionUID = 1;

  QueueFullException(int waiting, int limit) {
    super("the queue is full: %d sequences wait and at most %d may".formatted(waiting, limit));
  }
}
