package dev.tritium.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tritium.kernel.vector.VectorRowKernels;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Vectors equal the definition bit for bit; enough calls that compiled code is compared too. */
class VectorRowKernelsTest {
  private static final float EPSILON = 1e-6f;
  private final RowKernels scalar = new ScalarRowKernels();
  private final RowKernels vector = new VectorRowKernels();

  @ParameterizedTest
  @ValueSource(ints = {1, 15, 16, 17, 63, 64, 65, 127, 200, 1000, 2560})
  void everyOperationHasTheBitsOfItsDefinition(int n) {
    int calls = 300_000 / (n + 100);
    for (int call = 0; call < calls; call++) {
      Random random = new Random(call * 10_000L + n);
      int at = random.nextInt(9);
      float size = call % 3 == 0 ? 1 : call % 3 == 1 ? 60 : 1e-4f;
      float[] x = row(random, at + n, size);
      float[] y = row(random, at + n, size);
      float[] h = row(random, at + n, 1);
      float[] weight = row(random, n, 1);
      if (call % 10 == 9) {
        x[at + random.nextInt(n)] = special(random);
        y[at + random.nextInt(n)] = special(random);
      }
      Results expected = run(scalar, x.clone(), y.clone(), h.clone(), weight, at, n);
      Results actual = run(vector, x.clone(), y.clone(), h.clone(), weight, at, n);
      String inputs = "n " + n + ", call " + call + ", ";
      assertEquals(expected.logSumExp, actual.logSumExp, inputs + "logSumExp");
      assertEquals(expected.sampling, actual.sampling, inputs + "weights' sums, maxima, found");
      assertArrayEquals(expected.quantized, actual.quantized, inputs + "quantised");
      for (int i = 0; i < expected.floats.length; i++) {
        // Equal bits, but for which NaN a NaN is.
        assertArrayEquals(expected.floats[i], actual.floats[i], inputs + "result " + i);
      }
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // compared by element
  private record Results(
      float[][] floats, short[] quantized, double logSumExp, List<List<Double>> sampling) {}

  /** What sampling asks of a row: block sums and weights, maxima, the indexes found. */
  private static List<List<Double>> sampling(RowKernels rows, float[] x, int at, int n) {
    float[] logits = x.clone();
    for (int j = 0; j < n; j += 7) {
      logits[at + j] = j % 2 == 0 ? Float.NEGATIVE_INFINITY : logits[at]; // banned tokens and ties
    }
    int best = rows.argmax(logits, at, n);
    float[] weights = new float[n];
    double[] sums = new double[Math.ceilDiv(n, RowKernels.BLOCK)];
    double total = rows.weigh(logits, at, logits[at + best], 1.25f, weights, sums, n);
    float[] maxima = new float[128];
    rows.laneMaxima(logits, at, n, maxima, 128);
    int[] found = new int[n];
    int count = rows.atLeast(logits, at, logits[at + best] / 2, found, n);
    return List.of(
        List.of((double) best, total, (double) count),
        Arrays.stream(sums).boxed().toList(),
        doubles(weights),
        doubles(maxima),
        Arrays.stream(found, 0, count).mapToObj(j -> (double) j).toList());
  }

  private static List<Double> doubles(float[] values) {
    return IntStream.range(0, values.length).mapToObj(j -> (double) values[j]).toList();
  }

  private static Results run(
      RowKernels rows, float[] x, float[] y, float[] h, float[] weight, int at, int n) {
    short[] q = new short[2 * n + 1];
    float away =
        rows.normalizeAndQuantize(x, at, weight, EPSILON, RowKernels.Rounding.HALF_AWAY, q, 0, n);
    float even =
        rows.normalizeAndQuantize(
            y, at, weight, EPSILON, RowKernels.Rounding.HALF_EVEN, q, n + 1, n);
    double logSumExp = rows.logSumExp(x, at, n);
    List<List<Double>> sampling = sampling(rows, x, at, n);
    float[] norm = new float[n];
    rows.rmsNorm(x, at, weight, EPSILON, norm, 0, n);
    float[] gated = new float[n];
    rows.normSwishGate(x, at, weight, EPSILON, y, at, gated, 0, n);
    float[] product = new float[n];
    rows.swiGlu(x, at, y, at, product, 0, n);
    rows.forgetAndInputGates(x, at, y, at, weight, n);
    rows.recurrence(x, at, y, at, h, at, n);
    rows.add(x, at, h, at, n);
    return new Results(
        new float[][] {{away, even}, norm, gated, product, x, y, h}, q, logSumExp, sampling);
  }

  private static float special(Random random) {
    float[] all = {
      0f,
      -0f,
      1e30f,
      -1e30f,
      88,
      -87,
      1e-40f,
      Float.NaN,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY
    };
    return all[random.nextInt(all.length)];
  }

  private static float[] row(Random random, int n, float size) {
    float[] row = new float[n];
    for (int j = 0; j < n; j++) {
      row[j] = size * (float) random.nextGaussian();
    }
    return row;
  }
}
