package dev.tritium.api.openai;

import java.util.Locale;

/** How an HTTP exchange ended. */
public enum Outcome {
  /** The whole answer went out. */
  OK,
  /** The request is at fault. */
  REFUSED,
  /** The queue was full. */
  OVERLOADED,
  /** The server is loading, shutting down or broken. */
  UNAVAILABLE,
  /** It took longer than a request may. */
  TIMEOUT,
  /** The server is at fault. */
  FAILED,
  /** The client left before the end of its answer. */
  CANCELLED,
  /** The client took nothing of its answer for too long and was cut off. */
  STALLED;

  /** The outcome of an answer that went out, or of an error that ended a stream. */
  public static Outcome ofStatus(int status) {
    return switch (status) {
      case 429 -> OVERLOADED;
      case 503 -> UNAVAILABLE;
      case 504 -> TIMEOUT;
      default -> status < 400 ? OK : status < 500 ? REFUSED : FAILED;
    };
  }

  /** The name in logs and metrics. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
