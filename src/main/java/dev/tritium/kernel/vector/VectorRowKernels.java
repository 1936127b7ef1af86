package dev.tritium.kernel.vector;

import dev.tritium.kernel.RowKernels;
import dev.tritium.kernel.ScalarRowKernels;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The row operations in vectors of the CPU's preferred width, equal to {@link ScalarRowKernels} bit
 * for bit; what is left of a row goes through its functions.
 */
public final class VectorRowKernels implements RowKernels {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Double> D = S.withLanes(double.class);
  private static final VectorSpecies<Short> Q =
      VectorSpecies.of(short.class, VectorShape.forBitSize(S.vectorBitSize() / 2));
  private static final int L = S.length();

  @Override
  public void rmsNorm(
      float[] x, int xAt, float[] weight, float epsilon, float[] y, int yAt, int n) {
    float r = inverseRms(x, xAt, epsilon, n);
    int j = 0;
    for (; j <= n - L; j += L) {
      load(x, xAt + j).mul(r).mul(load(weight, j)).intoArray(y, yAt + j);
    }
    for (; j < n; j++) {
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
    float scale = 127 / Math.max(largest(x, xAt, r, weight, n), 1e-5f);
    if (rounding == Rounding.HALF_AWAY) {
      quantizeHalfAway(x, xAt, r, weight, scale, q, qAt, n);
    } else {
      quantizeHalfEven(x, xAt, r, weight, scale, q, qAt, n);
    }
    return scale;
  }

  private static float largest(float[] x, int xAt, float r, float[] weight, int n) {
    FloatVector largest = FloatVector.zero(S);
    int j = 0;
    for (; j <= n - L; j += L) {
      largest = largest.max(load(x, xAt + j).mul(r).mul(load(weight, j)).abs());
    }
    float max = largest.reduceLanes(VectorOperators.MAX);
    for (; j < n; j++) {
      max = Math.max(max, Math.abs(x[xAt + j] * r * weight[j]));
    }
    return max;
  }

  private static void quantizeHalfAway(
      float[] x, int xAt, float r, float[] weight, float scale, short[] q, int qAt, int n) {
    int j = 0;
    for (; j <= n - L; j += L) {
      FloatVector v = load(x, xAt + j).mul(r).mul(load(weight, j)).mul(scale);
      FloatVector magnitude = v.abs();
      IntVector k = (IntVector) magnitude.convert(VectorOperators.F2I, 0);
      FloatVector rest = magnitude.sub((FloatVector) k.convert(VectorOperators.I2F, 0));
      VectorMask<Integer> up = rest.compare(VectorOperators.GE, 0.5f).cast(k.species());
      VectorMask<Integer> negative = v.compare(VectorOperators.LT, 0).cast(k.species());
      store(k.add(1, up).lanewise(VectorOperators.NEG, negative), q, qAt + j);
    }
    for (; j < n; j++) {
      q[qAt + j] = (short) ScalarRowKernels.roundHalfAway(x[xAt + j] * r * weight[j] * scale);
    }
  }

  private static void quantizeHalfEven(
      float[] x, int xAt, float r, float[] weight, float scale, short[] q, int qAt, int n) {
    int j = 0;
    for (; j <= n - L; j += L) {
      FloatVector v = load(x, xAt + j).mul(r).mul(load(weight, j)).mul(scale);
      FloatVector k = v.add(ScalarRowKernels.ROUNDER).sub(ScalarRowKernels.ROUNDER);
      store((IntVector) k.convert(VectorOperators.F2I, 0), q, qAt + j);
    }
    for (; j < n; j++) {
      q[qAt + j] = (short) ScalarRowKernels.roundHalfEven(x[xAt + j] * r * weight[j] * scale);
    }
  }

  private static void store(IntVector k, short[] q, int at) {
    ((ShortVector) k.convertShape(VectorOperators.I2S, Q, 0)).intoArray(q, at);
  }

  // Two loops: past some 18,000 nodes in one method C2 inlines no more, and two exps are as many.
  @Override
  public void forgetAndInputGates(
      float[] forget, int forgetAt, float[] input, int inputAt, float[] lower, int n) {
    forgetGate(forget, forgetAt, lower, n);
    inputGate(forget, forgetAt, input, inputAt, n);
  }

  private static void forgetGate(float[] forget, int at, float[] lower, int n) {
    int j = 0;
    for (; j <= n - L; j += L) {
      FloatVector bound = load(lower, j);
      FloatVector open = oneMinus(bound).mul(sigmoid(load(forget, at + j)));
      bound.add(open).intoArray(forget, at + j);
    }
    for (; j < n; j++) {
      forget[at + j] = lower[j] + (1 - lower[j]) * ScalarRowKernels.sigmoid(forget[at + j]);
    }
  }

  private static void inputGate(float[] forget, int forgetAt, float[] input, int inputAt, int n) {
    int j = 0;
    for (; j <= n - L; j += L) {
      FloatVector shut = oneMinus(load(forget, forgetAt + j));
      silu(load(input, inputAt + j)).mul(shut).intoArray(input, inputAt + j);
    }
    for (; j < n; j++) {
      input[inputAt + j] = ScalarRowKernels.silu(input[inputAt + j]) * (1 - forget[forgetAt + j]);
    }
  }

  @Override
  public void recurrence(
      float[] forget, int forgetAt, float[] input, int inputAt, float[] state, int stateAt, int n) {
    int j = 0;
    for (; j <= n - L; j += L) {
      FloatVector next =
          load(forget, forgetAt + j).fma(load(state, stateAt + j), load(input, inputAt + j));
      next.intoArray(state, stateAt + j);
      next.intoArray(input, inputAt + j);
    }
    for (; j < n; j++) {
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
    int j = 0;
    for (; j <= n - L; j += L) {
      load(x, xAt + j)
          .mul(r)
          .mul(load(weight, j))
          .mul(silu(load(gate, gateAt + j)))
          .intoArray(y, yAt + j);
    }
    for (; j < n; j++) {
      y[yAt + j] = x[xAt + j] * r * weight[j] * ScalarRowKernels.silu(gate[gateAt + j]);
    }
  }

  @Override
  public void swiGlu(float[] gate, int gateAt, float[] up, int upAt, float[] y, int yAt, int n) {
    int j = 0;
    for (; j <= n - L; j += L) {
      silu(load(gate, gateAt + j)).mul(load(up, upAt + j)).intoArray(y, yAt + j);
    }
    for (; j < n; j++) {
      y[yAt + j] = ScalarRowKernels.silu(gate[gateAt + j]) * up[upAt + j];
    }
  }

  @Override
  public void add(float[] x, int xAt, float[] y, int yAt, int n) {
    int j = 0;
    for (; j <= n - L; j += L) {
      load(x, xAt + j).add(load(y, yAt + j)).intoArray(x, xAt + j);
    }
    for (; j < n; j++) {
      x[xAt + j] += y[yAt + j];
    }
  }

  @Override
  public double weigh(
      float[] x, int xAt, float shift, float factor, float[] weights, double[] blockSums, int n) {
    double total = 0;
    for (int b = 0, from = 0; from < n; b++, from += BLOCK) {
      int end = Math.min(from + BLOCK, n);
      blockSums[b] = weighBlock(x, xAt, shift, factor, weights, from, end);
      total += blockSums[b];
    }
    return total;
  }

  private static double weighBlock(
      float[] x, int xAt, float shift, float factor, float[] weights, int from, int end) {
    double[] sums = ScalarRowKernels.DOUBLE_SUMS.get();
    int whole = end - (end - from) % ScalarRowKernels.LANES;
    for (int lane = 0; lane < ScalarRowKernels.LANES; lane += L) {
      DoubleVector low = DoubleVector.zero(D);
      DoubleVector high = low;
      for (int k = from + lane; k < whole; k += ScalarRowKernels.LANES) {
        FloatVector v = load(x, xAt + k);
        VectorMask<Float> none = v.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY);
        FloatVector weight = exp(v.sub(shift).mul(factor)).blend(0, none);
        weight.intoArray(weights, k);
        low = low.add(weight.convert(VectorOperators.F2D, 0));
        high = high.add(weight.convert(VectorOperators.F2D, 1));
      }
      low.intoArray(sums, lane);
      high.intoArray(sums, lane + L / 2);
    }
    for (int k = whole; k < end; k++) {
      weights[k] = ScalarRowKernels.weight(x[xAt + k], shift, factor);
      sums[k - whole] += weights[k];
    }
    return ScalarRowKernels.sumOfLanes(sums);
  }

  @Override
  public int argmax(float[] x, int xAt, int n) {
    FloatVector largest = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    int j = 0;
    for (; j <= n - L; j += L) {
      largest = greater(load(x, xAt + j), largest);
    }
    float max = largest.reduceLanes(VectorOperators.MAX);
    for (; j < n; j++) {
      max = x[xAt + j] > max ? x[xAt + j] : max;
    }
    return max == Float.NEGATIVE_INFINITY ? 0 : indexOf(max, x, xAt, n);
  }

  private static int indexOf(float value, float[] x, int xAt, int n) {
    int j = 0;
    for (; j <= n - L; j += L) {
      VectorMask<Float> equal = load(x, xAt + j).compare(VectorOperators.EQ, value);
      if (equal.anyTrue()) {
        return j + equal.firstTrue();
      }
    }
    while (x[xAt + j] != value) {
      j++;
    }
    return j;
  }

  @Override
  public void laneMaxima(float[] x, int xAt, int n, float[] maxima, int lanes) {
    Arrays.fill(maxima, 0, lanes, Float.NEGATIVE_INFINITY);
    int whole = n - n % lanes;
    for (int from = 0; from < whole; from += lanes) {
      for (int m = 0; m < lanes; m += L) {
        greater(load(x, xAt + from + m), load(maxima, m)).intoArray(maxima, m);
      }
    }
    for (int j = whole; j < n; j++) {
      if (x[xAt + j] > maxima[j - whole]) {
        maxima[j - whole] = x[xAt + j];
      }
    }
  }

  /** v where it is greater than {@code than}: so NaN is not. */
  private static FloatVector greater(FloatVector v, FloatVector than) {
    return than.blend(v, v.compare(VectorOperators.GT, than));
  }

  @Override
  public int atLeast(float[] x, int xAt, float least, int[] found, int n) {
    int count = 0;
    int j = 0;
    for (; j <= n - L; j += L) {
      long hits = load(x, xAt + j).compare(VectorOperators.GE, least).toLong();
      for (; hits != 0; hits &= hits - 1) {
        found[count++] = j + Long.numberOfTrailingZeros(hits);
      }
    }
    for (; j < n; j++) {
      if (x[xAt + j] >= least) {
        found[count++] = j;
      }
    }
    return count;
  }

  @Override
  public double logSumExp(float[] x, int xAt, int n) {
    FloatVector largest = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    int j = 0;
    for (; j <= n - L; j += L) {
      largest = largest.max(load(x, xAt + j));
    }
    float max = largest.reduceLanes(VectorOperators.MAX);
    for (; j < n; j++) {
      max = Math.max(max, x[xAt + j]);
    }
    if (max == Float.NEGATIVE_INFINITY) {
      return max;
    }
    float[] sums = ScalarRowKernels.SUMS.get();
    int whole = n - n % sums.length;
    for (int lane = 0; lane < sums.length; lane += L) {
      FloatVector sum = FloatVector.zero(S);
      for (int k = lane; k < whole; k += ScalarRowKernels.LANES) {
        sum = sum.add(exp(load(x, xAt + k).sub(max)));
      }
      sum.intoArray(sums, lane);
    }
    for (int k = whole; k < n; k++) {
      sums[k - whole] += ScalarRowKernels.exp(x[xAt + k] - max);
    }
    return max + StrictMath.log(ScalarRowKernels.sumOfLanes(sums));
  }

  private static float inverseRms(float[] x, int xAt, float epsilon, int n) {
    float[] sums = ScalarRowKernels.SUMS.get();
    int whole = n - n % sums.length;
    // One vector of the 64 partial sums after the other: at any width the same additions.
    for (int lane = 0; lane < sums.length; lane += L) {
      FloatVector sum = FloatVector.zero(S);
      for (int k = lane; k < whole; k += ScalarRowKernels.LANES) {
        FloatVector v = load(x, xAt + k);
        sum = v.fma(v, sum);
      }
      sum.intoArray(sums, lane);
    }
    for (int k = whole; k < n; k++) {
      sums[k - whole] = Math.fma(x[xAt + k], x[xAt + k], sums[k - whole]);
    }
    return 1 / (float) Math.sqrt(ScalarRowKernels.sumOfLanes(sums) / n + epsilon);
  }

  private static FloatVector load(float[] a, int at) {
    return FloatVector.fromArray(S, a, at);
  }

  private static FloatVector oneMinus(FloatVector v) {
    return FloatVector.broadcast(S, 1).sub(v);
  }

  private static FloatVector silu(FloatVector x) {
    return x.mul(sigmoid(x));
  }

  private static FloatVector sigmoid(FloatVector x) {
    return FloatVector.broadcast(S, 1).div(exp(x.neg()).add(1));
  }

  /** {@link ScalarRowKernels#exp} in every lane. */
  private static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.max(-87f).min(88f);
    FloatVector shifted =
        clamped.fma(
            FloatVector.broadcast(S, ScalarRowKernels.LOG2_E),
            FloatVector.broadcast(S, ScalarRowKernels.ROUNDER));
    FloatVector n = shifted.sub(ScalarRowKernels.ROUNDER);
    FloatVector r = n.fma(FloatVector.broadcast(S, -ScalarRowKernels.LN2_HIGH), clamped);
    r = n.fma(FloatVector.broadcast(S, -ScalarRowKernels.LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(S, 1.9875691e-4f);
    p = p.fma(r, FloatVector.broadcast(S, 1.3981999e-3f));
    p = p.fma(r, FloatVector.broadcast(S, 8.333452e-3f));
    p = p.fma(r, FloatVector.broadcast(S, 4.1665796e-2f));
    p = p.fma(r, FloatVector.broadcast(S, 0.16666666f));
    p = p.fma(r, FloatVector.broadcast(S, 0.5f));
    FloatVector e = p.fma(r.mul(r), r).add(1);
    return e.reinterpretAsInts()
        .add(shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23))
        .reinterpretAsFloats();
  }
}
