package dev.tritium.scheduler;

import java.time.Duration;

/**
 * Bounds of a scheduler.
 *
 * @param maxRunning answers that run at once
 * @param maxWaiting prompts in the queue
 * @param maxWaitingTokens tokens of the prompts in the queue
 * @param maxWait a request that would wait longer, by estimate, is refused
 * @param requestTimeout a request that is not done by then is ended; zero: never
 * @param stateBytes memory for the states of the answers that run
 * @param stepRows most token rows of one step, unless more answers run
 * @param stepTime wanted time of a step while answers run: prompts get the rows that fit in it
 * @param cacheBytes memory of the prefix cache; 0: no cache
 * @param cacheChunk tokens of a prompt from one snapshot to the next
 */
public record SchedulerLimits(
    int maxRunning,
    int maxWaiting,
    int maxWaitingTokens,
    Duration maxWait,
    Duration requestTimeout,
    long stateBytes,
    int stepRows,
    Duration stepTime,
    long cacheBytes,
    int cacheChunk) {
  public SchedulerLimits {
    requirePositive("max-running", maxRunning);
    requirePositive("max-waiting", maxWaiting);
    requirePositive("max-waiting-tokens", maxWaitingTokens);
    requirePositive("max-wait", maxWait.toNanos());
    requirePositive("request timeout + 1", requestTimeout.toNanos() + 1);
    requirePositive("state-bytes", stateBytes);
    requirePositive("step-rows", stepRows);
    requirePositive("step-millis", stepTime.toNanos());
    requirePositive("prefix-cache.bytes + 1", cacheBytes + 1);
    requirePositive("prefix-cache.chunk", cacheChunk);
  }

  private static void requirePositive(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, found " + value);
    }
  }

  /** The same, but for requests that may take as long as they like. */
  public SchedulerLimits withoutTimeout() {
    return new SchedulerLimits(
        maxRunning,
        maxWaiting,
        maxWaitingTokens,
        maxWait,
        Duration.ZERO,
        stateBytes,
        stepRows,
        stepTime,
        cacheBytes,
        cacheChunk);
  }

  public static SchedulerLimits defaults() {
    return new SchedulerLimits(
        64,
        256,
        2_000_000,
        Duration.ofSeconds(60),
        Duration.ofMinutes(10),
        Runtime.getRuntime().maxMemory() / 4,
        128,
        Duration.ofMillis(50),
        256L << 20,
        512);
  }
}
