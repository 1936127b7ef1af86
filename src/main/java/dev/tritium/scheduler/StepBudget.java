package dev.tritium.scheduler;

/**
 * How many rows of a step go to prompts: as many as keep the steps of running answers within a
 * wanted time, by what steps have taken so far.
 */
final class StepBudget {
  /** Rows of the kernels' tile of several sequences, which cost little more than one. */
  private static final int LEAST_ROWS = 4;

  /** How much longer steps may be while no answer waits for them: clients come and leave then. */
  private static final int PATIENCE = 4;

  /** Weight of the last step in the mean. */
  private static final double NEWEST = 0.3;

  private final int maxRows;
  private final long targetNanos;
  private double nanosPerRow; // of steps with prompts; 0 before the first

  StepBudget(int maxRows, long targetNanos) {
    this.maxRows = maxRows;
    this.targetNanos = targetNanos;
  }

  /** Rows that prompts may have beside {@code decodeRows} running answers; at least some. */
  int promptRows(int decodeRows) {
    long nanos = decodeRows > 0 ? targetNanos : PATIENCE * targetNanos;
    double fit = nanosPerRow == 0 ? maxRows : nanos / nanosPerRow;
    int rows = (int) Math.min(maxRows, fit) - decodeRows;
    // Prompts get a third of the work at least: they must not wait until answers end.
    return Math.max(rows, Math.max(Math.min(LEAST_ROWS, maxRows), Math.ceilDiv(decodeRows, 2)));
  }

  /** Takes note of a step in which prompts had rows. */
  void ran(int rows, long nanos) {
    double latest = (double) nanos / rows;
    nanosPerRow = nanosPerRow == 0 ? latest : (1 - NEWEST) * nanosPerRow + NEWEST * latest;
  }
}
