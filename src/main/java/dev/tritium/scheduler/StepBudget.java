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

  /**
   * How much longer prompts may make a step that answers alone make too long: the weights are read
   * once for all rows, and few would be hardly cheaper.
   */
  private static final double SLOW_MODEL = 1.5;

  /** Weight of the last step in the mean. */
  private static final double NEWEST = 0.3;

  private final int maxRows;
  private final long targetNanos;
  private double nanosPerRow; // of steps with prompts; 0 before the first
  private double answersNanos; // of steps without

  StepBudget(int maxRows, long targetNanos) {
    this.maxRows = maxRows;
    this.targetNanos = targetNanos;
  }

  /** Rows that prompts may have beside {@code decodeRows} running answers; at least some. */
  int promptRows(int decodeRows) {
    double nanos =
        decodeRows > 0
            ? Math.max((double) targetNanos, SLOW_MODEL * answersNanos)
            : (double) PATIENCE * targetNanos;
    double fit = nanosPerRow == 0 ? maxRows : nanos / nanosPerRow;
    int rows = (int) Math.min(maxRows, fit) - decodeRows;
    // Prompts get a third of the work at least: they must not wait until answers end.
    return Math.max(rows, Math.max(Math.min(LEAST_ROWS, maxRows), Math.ceilDiv(decodeRows, 2)));
  }

  /** Takes note of a step in which prompts had rows. */
  void ran(int rows, long nanos) {
    nanosPerRow = mean(nanosPerRow, (double) nanos / rows);
  }

  /** Takes note of a step of answers alone. */
  void ranAnswers(long nanos) {
    answersNanos = mean(answersNanos, (double) nanos);
  }

  private static double mean(double earlier, double latest) {
    return earlier == 0 ? latest : (1 - NEWEST) * earlier + NEWEST * latest;
  }
}
