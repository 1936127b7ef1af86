package dev.tritium.scheduler;

import java.time.Duration;

/** Limits for tests: no cache, no time-outs, no wanted step time unless asked for. */
final class Schedulers {
  private Schedulers() {}

  static SchedulerLimits limits(int maxRunning, int maxWaiting, int stepRows) {
    return limits(maxRunning, maxWaiting, stepRows, 0, 512);
  }

  static SchedulerLimits limits(
      int maxRunning, int maxWaiting, int stepRows, long cacheBytes, int cacheChunk) {
    return new SchedulerLimits(
        maxRunning,
        maxWaiting,
        Integer.MAX_VALUE,
        Duration.ofDays(1),
        Duration.ZERO,
        Long.MAX_VALUE,
        stepRows,
        Duration.ofDays(1),
        cacheBytes,
        cacheChunk);
  }
}
