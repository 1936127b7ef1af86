package dev.tritium.kernel;

import java.util.Arrays;

/**
 * The definition of the row operations. Every rounding is written out: sums run over 64 partial
 * sums and a fixed tree, exp is one polynomial with explicit fma (docs/determinism.md). Any thread
 * may use it.
 */
public final class ScalarRowKernels implements RowKernels {
  /** Partial sums of every float sum. */
  public static final int LANES = 64;

  /** 1.5 * 2^23: adding it rounds a float of small magnitude to an integer, half to even. */
  public static final float ROUNDER = 12582912f;

  public static final float LOG2_E = 1.442695f;
  public static final float LN2_HIGH = 0.69314575f;
  public static final float LN2_LOW = 1.4286068e-6f;

  /** Partial sums [LANES] of the calling thread: new ones for each row would be garbage. */
  public static final ThreadLocal<float[]> SUMS = ThreadLocal.withInitial(() -> new float[LANES]);

  /** The same in double. */
  public static final ThreadLocal<double[]> DOUBLE_SUMS =
      ThreadLocal.withInitial(() -> new double[LANES]);

  @Override
  public void rmsNorm(
      float[] x, int xAt, float[] weight, float epsilon, float[] y, int yAt, int n) {
    float r = inverseRms(x, xAt, epsilon, n);
    for (int j = 0; j < n; j++) {
      y[yAt + j] = x[xAt + j] * r * weight[j];
    }
  }

  @Override
  public float normalizeAndQuantize(
      float[] x,
      int xAt,
      float[] weight,
      float epsilon,
      Rounding rounding,
      short[] q,
      int qAt,
      int n) {
    float r = inverseRms(x, xAt, epsilon, n);
    float max = 0;
    for (int j = 0; j < n; j++) {
      max = Math.max(max, Math.abs(x[xAt + j] * r * weight[j]));
    }
    float scale = 127 / Math.max(max, 1e-5f);
    if (rounding == Rounding.HALF_AWAY) {
      for (int j = 0; j < n; j++) {
        q[qAt + j] = (short) roundHalfAway(x[xAt + j] * r * weight[j] * scale);
      }
    } else {
      for (int j = 0; j < n; j++) {
        q[qAt + j] = (short) roundHalfEven(x[xAt + j] * r * weight[j] * scale);
      }
    }
    return scale;
  }

  @Override
  public void forgetAndInputGates(
      float[] forget, int forgetAt, float[] input, int inputAt, float[] lower, int n) {
    for (int j = 0; j < n; j++) {
      float f = lower[j] + (1 - lower[j]) * sigmoid(forget[forgetAt + j]);
      forget[forgetAt + j] = f;
      input[inputAt + j] = silu(input[inputAt + j]) * (1 - f);
    }
  }

  @Override
  public void recurrence(
      float[] forget, int forgetAt, float[] input, int inputAt, float[] state, int stateAt, int n) {
    for (int j = 0; j < n; j++) {
      float next = Math.fma(forget[forgetAt + j], state[stateAt + j], input[inputAt + j]);
      state[stateAt + j] = next;
      input[inputAt + j] = next;
    }
  }

  @Override
  public void normSwishGate(
      float[] x,
      int xAt,
      float[] weight,
      float epsilon,
      float[] gate,
      int gateAt,
      float[] y,
      int yAt,
      int n) {
    float r = inverseRms(x, xAt, epsilon, n);
    for (int j = 0; j < n; j++) {
      y[yAt + j] = x[xAt + j] * r * weight[j] * silu(gate[gateAt + j]);
    }
  }

  @Override
  public void swiGlu(float[] gate, int gateAt, float[] up, int upAt, float[] y, int yAt, int n) {
    for (int j = 0; j < n; j++) {
      y[yAt + j] = silu(gate[gateAt + j]) * up[upAt + j];
    }
  }

  @Override
  public void add(float[] x, int xAt, float[] y, int yAt, int n) {
    for (int j = 0; j < n; j++) {
      x[xAt + j] += y[yAt + j];
    }
  }

  @Override
  public double weigh(
      float[] x, int xAt, float shift, float factor, float[] weights, double[] blockSums, int n) {
    double total = 0;
    for (int b = 0, from = 0; from < n; b++, from += BLOCK) {
      double[] sums = zeroed(DOUBLE_SUMS.get());
      for (int j = from; j < Math.min(from + BLOCK, n); j++) {
        weights[j] = weight(x[xAt + j], shift, factor);
        sums[j % LANES] += weights[j];
      }
      blockSums[b] = sumOfLanes(sums);
      total += blockSums[b];
    }
    return total;
  }

  /** exp((x - shift) * factor), or 0 for -infinity. */
  public static float weight(float x, float shift, float factor) {
    return x == Float.NEGATIVE_INFINITY ? 0 : exp((x - shift) * factor);
  }

  @Override
  public int argmax(float[] x, int xAt, int n) {
    int best = 0;
    float max = Float.NEGATIVE_INFINITY;
    for (int j = 0; j < n; j++) {
      if (x[xAt + j] > max) {
        max = x[xAt + j];
        best = j;
      }
    }
    return best;
  }

  @Override
  public void laneMaxima(float[] x, int xAt, int n, float[] maxima, int lanes) {
    Arrays.fill(maxima, 0, lanes, Float.NEGATIVE_INFINITY);
    for (int j = 0; j < n; j++) {
      if (x[xAt + j] > maxima[j % lanes]) {
        maxima[j % lanes] = x[xAt + j];
      }
    }
  }

  @Override
  public int atLeast(float[] x, int xAt, float least, int[] found, int n) {
    int count = 0;
    for (int j = 0; j < n; j++) {
      if (x[xAt + j] >= least) {
        found[count++] = j;
      }
    }
    return count;
  }

  @Override
  public double logSumExp(float[] x, int xAt, int n) {
    float max = Float.NEGATIVE_INFINITY;
    for (int j = 0; j < n; j++) {
      max = Math.max(max, x[xAt + j]);
    }
    if (max == Float.NEGATIVE_INFINITY) {
      return max; // no mass at all; max - max would be NaN
    }
    float[] sums = zeroed(SUMS.get());
    for (int j = 0; j < n; j++) {
      sums[j % LANES] += exp(x[xAt + j] - max);
    }
    return max + StrictMath.log(sumOfLanes(sums));
  }

  /** 1 / sqrt(mean(x^2) + epsilon), in float. */
  private static float inverseRms(float[] x, int xAt, float epsilon, int n) {
    float[] sums = zeroed(SUMS.get());
    int whole = n - n % LANES;
    for (int j = 0; j < whole; j += LANES) {
      addSquares(sums, x, xAt + j, LANES);
    }
    addSquares(sums, x, xAt + whole, n - whole);
    return 1 / (float) Math.sqrt(sumOfLanes(sums) / n + epsilon);
  }

  private static void addSquares(float[] sums, float[] x, int at, int n) {
    for (int k = 0; k < n; k++) {
      sums[k] = Math.fma(x[at + k], x[at + k], sums[k]);
    }
  }

  /** The fixed tree: s[k] += s[k + 32], then + 16, 8, 4, 2, 1. */
  public static float sumOfLanes(float[] sums) {
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int k = 0; k < half; k++) {
        sums[k] += sums[k + half];
      }
    }
    return sums[0];
  }

  /** The same tree in double. */
  public static double sumOfLanes(double[] sums) {
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int k = 0; k < half; k++) {
        sums[k] += sums[k + half];
      }
    }
    return sums[0];
  }

  private static float[] zeroed(float[] sums) {
    Arrays.fill(sums, 0);
    return sums;
  }

  private static double[] zeroed(double[] sums) {
    Arrays.fill(sums, 0);
    return sums;
  }

  /**
   * e^x of x clamped to [-87, 88], so never 0, infinite or subnormal; error at most 1.01 ulp.
   *
   * <p>x = n ln 2 + r with |r| <= ln 2 / 2; e^r is a polynomial of degree 7 (Cephes, expf).
   */
  public static float exp(float x) {
    float clamped = Math.min(Math.max(x, -87f), 88f);
    float shifted = Math.fma(clamped, LOG2_E, ROUNDER);
    float n = shifted - ROUNDER;
    float r = Math.fma(n, -LN2_HIGH, clamped);
    r = Math.fma(n, -LN2_LOW, r);
    float p = 1.9875691e-4f;
    p = Math.fma(p, r, 1.3981999e-3f);
    p = Math.fma(p, r, 8.333452e-3f);
    p = Math.fma(p, r, 4.1665796e-2f);
    p = Math.fma(p, r, 0.16666666f);
    p = Math.fma(p, r, 0.5f);
    float e = Math.fma(p, r * r, r) + 1;
    // The low bits of shifted are n: moved to the exponent they multiply by 2^n.
    return Float.intBitsToFloat(
        Float.floatToRawIntBits(e) + (Float.floatToRawIntBits(shifted) << 23));
  }

  public static float sigmoid(float x) {
    return 1 / (1 + exp(-x));
  }

  public static float silu(float x) {
    return x * sigmoid(x);
  }

  /**
   * Rounds half away from zero, as CUDA's round does. trunc(|v| + 0.5) would be wrong for
   * 0.49999997, whose sum rounds up to 1; NaN gives 0.
   */
  public static int roundHalfAway(float v) {
    float magnitude = Math.abs(v);
    int k = (int) magnitude;
    if (magnitude - k >= 0.5f) {
      k++;
    }
    return v < 0 ? -k : k;
  }

  /** Rounds half to even, as torch.round does; NaN gives 0. */
  public static int roundHalfEven(float v) {
    return (int) Math.rint(v);
  }
}
