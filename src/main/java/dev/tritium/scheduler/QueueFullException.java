package dev.tritium.scheduler;

import java.time.Duration;

/** A request was not taken because too many wait; it may be sent again later. */
public final class QueueFullException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final Duration retryAfter;

  QueueFullException(String message, Duration retryAfter) {
    super(message);
    this.retryAfter = retryAfter;
  }

  /** When it may be worth to try again: an estimate of at least a second. */
  public Duration retryAfter() {
    return retryAfter;
  }
}
