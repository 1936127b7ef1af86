package dev.tritium.scheduler;

import java.time.Duration;

/** A request was ended because it took longer than a request may. */
public final class RequestTimeoutException extends RuntimeException {
  private static final long serialVersionUID = 1;

  RequestTimeoutException(Duration limit) {
    super("the request was not done after %.1f s and was ended".formatted(limit.toMillis() / 1e3));
  }
}
