package dev.tritium.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * How often, and after how long, a request that failed for the network or for a busy hub is made
 * again.
 *
 * @param attempts failures in a row that are borne
 * @param first wait after the first; each further one doubles it
 * @param longest wait of our own choice
 * @param patience longest wait that a hub may ask for
 */
record Retries(int attempts, Duration first, Duration longest, Duration patience) {
  /** The waits of huggingface_hub; its attempts as well. */
  static Retries defaults() {
    return new Retries(5, Duration.ofSeconds(1), Duration.ofSeconds(8), Duration.ofMinutes(5));
  }

  /** A hub that answers, but not now. */
  static final class Busy extends IOException {
    private static final long serialVersionUID = 1L;

    private final @Nullable Duration retryAfter;

    Busy(String message, @Nullable Duration retryAfter) {
      super(message);
      this.retryAfter = retryAfter;
    }
  }

  /** A request that may fail. */
  @FunctionalInterface
  interface Request<T> {
    T send() throws IOException;
  }

  /**
   * Sends a request until it is answered.
   *
   * @param what what errors say first
   * @throws HubException when it has failed too often
   */
  <T> T send(Object what, Request<T> request) {
    for (int failures = 1; ; failures++) {
      try {
        return request.send();
      } catch (IOException e) {
        await(what, failures, e);
      }
    }
  }

  /**
   * Waits after a failure.
   *
   * @param failures in a row, this one included
   * @throws HubException if it is one too many, or cannot mend itself
   */
  void await(Object what, int failures, IOException failure) {
    Duration asked = failure instanceof Busy busy ? busy.retryAfter : null;
    boolean tooLong = asked != null && asked.compareTo(patience) > 0;
    if (failures > attempts || tooLong || !NetworkFailure.mayPass(failure)) {
      String reason = what + ": " + NetworkFailure.describe(failure);
      throw new HubException(
          asked != null && tooLong
              ? reason + "; it asks to come back in " + asked.toSeconds() + " s"
              : reason,
          failure);
    }
    long doubled = first.toMillis() << Math.min(failures - 1, 20);
    long millis = Math.min(doubled, longest.toMillis());
    // Spread, so that many clients of a hub that has failed do not come back all at once.
    millis += ThreadLocalRandom.current().nextLong(millis / 4 + 1);
    try {
      Thread.sleep(asked == null ? millis : Math.max(millis, asked.toMillis()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HubException("interrupted", e);
    }
  }
}
