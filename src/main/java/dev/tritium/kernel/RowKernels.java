package dev.tritium.kernel;

/**
 * The float operations of a model, each on one row. Every operation has one fixed order of its
 * additions, so implementations are equal bit for bit (docs/determinism.md).
 *
 * <p>Arrays come with the offset of the row's first value; {@code n} is the row's width.
 */
public interface RowKernels {
  /** Weights whose sum is taken by itself before all are added. */
  int BLOCK = 1024;

  /** How a value between two integers is rounded. */
  enum Rounding {
    HALF_AWAY,
    HALF_EVEN
  }

  /** y = x / sqrt(mean(x^2) + epsilon) * weight. x and y may be the same. */
  void rmsNorm(float[] x, int xAt, float[] weight, float epsilon, float[] y, int yAt, int n);

  /**
   * RMSNorm and absmax quantisation: q = round(y * s) with y = rmsNorm(x), s = 127 / max(max|y|,
   * 1e-5).
   *
   * @return s
   */
  float normalizeAndQuantize(
      float[] x,
      int xAt,
      float[] weight,
      float epsilon,
      Rounding rounding,
      short[] q,
      int qAt,
      int n);

  /**
   * The inputs of HGRN's recurrence: forget = lower + (1 - lower) * sigmoid(forget), input =
   * silu(input) * (1 - forget). Both in place.
   *
   * @param lower lower bounds of the forget gate [n]
   */
  void forgetAndInputGates(
      float[] forget, int forgetAt, float[] input, int inputAt, float[] lower, int n);

  /**
   * One step of the recurrence: state = forget * state + input, and a copy of the new state to
   * {@code input}.
   */
  void recurrence(
      float[] forget, int forgetAt, float[] input, int inputAt, float[] state, int stateAt, int n);

  /** y = rmsNorm(x; weight) * silu(gate). x and y may be the same. */
  void normSwishGate(
      float[] x,
      int xAt,
      float[] weight,
      float epsilon,
      float[] gate,
      int gateAt,
      float[] y,
      int yAt,
      int n);

  /** y = silu(gate) * up. */
  void swiGlu(float[] gate, int gateAt, float[] up, int upAt, float[] y, int yAt, int n);

  /** x += y. */
  void add(float[] x, int xAt, float[] y, int yAt, int n);

  /**
   * weights = exp((x - shift) * factor), the exponent clamped to [-87, 88], and 0 where x is
   * -infinity. Their sums are taken in blocks of {@link #BLOCK}.
   *
   * @param blockSums receives the sum of each block, [ceil(n / BLOCK)]
   * @return the sum of the blocks
   */
  double weigh(
      float[] x, int xAt, float shift, float factor, float[] weights, double[] blockSums, int n);

  /** Index of the greatest value, the lowest among equals; 0 if all are NaN or -infinity. */
  int argmax(float[] x, int xAt, int n);

  /**
   * The greatest value of each lane, whose elements are {@code lanes} apart; -infinity where there
   * are none but NaN. So at least k values reach the k-th greatest of the maxima.
   *
   * @param lanes a multiple of 64
   */
  void laneMaxima(float[] x, int xAt, int n, float[] maxima, int lanes);

  /**
   * Finds the values that are {@code least} or greater.
   *
   * @param found receives their indexes, ascending, [n]
   * @return how many there are
   */
  int atLeast(float[] x, int xAt, float least, int[] found, int n);

  /** log(sum(exp(x))), computed against the row's maximum. */
  double logSumExp(float[] x, int xAt, int n);
}
