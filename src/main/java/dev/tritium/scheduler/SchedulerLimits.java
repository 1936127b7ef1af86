package dev.tritium.scheduler;

/**
 * Bounds of a scheduler.
 *
 * @param maxRunning sequences that run at once
 * @param maxWaiting sequences in the queue
 * @param stepRows token rows of one step: a row for each running sequence, the rest for prefills
 */
public record SchedulerLimits(int maxRunning, int maxWaiting, int stepRows) {
  public SchedulerLimits {
    if (maxRunning < 1 || maxWaiting < 1 || stepRows < 1) {
      throw new IllegalArgumentException(
          "max-running %d, max-waiting %d and step-rows %d must each be at least 1"
              .formatted(maxRunning, maxWaiting, stepRows));
    }
  }

  public static SchedulerLimits defaults() {
    return new SchedulerLimits(32, 256, 128);
  }
}
