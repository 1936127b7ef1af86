package dev.tritium.kernel;

import static dev.tritium.kernel.RowKernels.Rounding.HALF_AWAY;
import static dev.tritium.kernel.RowKernels.Rounding.HALF_EVEN;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScalarRowKernelsTest {
  private static final float EPSILON = 1e-6f;

  private static final int[] EXP_BITS = {
    1065353216,
    1076754516,
    1052531378,
    1070795084,
    1058751896,
    1185682670,
    943614926,
    2117523464,
    11744903,
    2130215607,
    11744903,
    2130215607,
    11744903,
    1065353216,
    1068827848
  };

  private final RowKernels rows = new ScalarRowKernels();

  @Test
  void expIsWithinOnePointOneUlpOfTheTrueValue() {
    Random random = new Random(3);
    double worst = 0;
    for (int i = 0; i < 1_000_000; i++) {
      float x = -87 + 175 * random.nextFloat();
      if (i % 4 == 0) {
        x = (float) random.nextGaussian();
      }
      double exact = StrictMath.exp(x);
      double ulp = Math.ulp((float) exact);
      worst = Math.max(worst, Math.abs(ScalarRowKernels.exp(x) - exact) / ulp);
    }
    assertTrue(worst <= 1.1, worst + " ulp");
  }

  @Test
  void expHasTheseBitsForEver() {
    // Any change of the polynomial, of an fma or of the clamp changes some of these.
    float[] x = {0, 1, -1, 0.5f, -0.5f, 10, -10, 87, -87, 88, -88, 1000, -1000, 1e-8f, 0.34657f};
    int[] bits = new int[x.length];
    for (int i = 0; i < x.length; i++) {
      bits[i] = Float.floatToRawIntBits(ScalarRowKernels.exp(x[i]));
    }
    assertArrayEquals(EXP_BITS, bits, () -> Arrays.toString(bits));
  }

  @Test
  void expOfNanIsNan() {
    assertTrue(Float.isNaN(ScalarRowKernels.exp(Float.NaN)));
  }

  @Test
  void sigmoidAndSiluStayCloseToTheTrueValue() {
    Random random = new Random(4);
    double worstSigmoid = 0;
    double worstSilu = 0;
    for (int i = 0; i < 1_000_000; i++) {
      float x = 20 * (2 * random.nextFloat() - 1);
      double exact = 1 / (1 + StrictMath.exp(-x));
      worstSigmoid = Math.max(worstSigmoid, Math.abs(ScalarRowKernels.sigmoid(x) - exact));
      double silu = x * exact;
      double ulp = Math.ulp((float) silu);
      worstSilu = Math.max(worstSilu, Math.abs(ScalarRowKernels.silu(x) - silu) / ulp);
    }
    assertTrue(worstSigmoid <= 9e-8, worstSigmoid + "");
    assertTrue(worstSilu <= 3, worstSilu + " ulp");
  }

  @Test
  void halfAwayRoundsTiesAwayFromZeroAndNothingElse() {
    float[] v = {0.49999997f, 0.5f, 1.5f, 2.5f, 126.5f, 2.4999998f, -0.0f, 127, 127.00001f};
    int[] expected = {0, 1, 2, 3, 127, 2, 0, 127, 127};
    for (int i = 0; i < v.length; i++) {
      assertEquals(expected[i], ScalarRowKernels.roundHalfAway(v[i]), v[i] + "");
      assertEquals(-expected[i], ScalarRowKernels.roundHalfAway(-v[i]), -v[i] + "");
    }
  }

  @Test
  void halfEvenRoundsTiesToTheEvenNeighbour() {
    float[] v = {0.49999997f, 0.5f, 1.5f, 2.5f, 126.5f, -0.5f, -1.5f};
    int[] expected = {0, 0, 2, 2, 126, 0, -2};
    for (int i = 0; i < v.length; i++) {
      assertEquals(expected[i], ScalarRowKernels.roundHalfEven(v[i]), v[i] + "");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 63, 64, 65, 127, 1000, 2560, 6912})
  void rmsNormIsCloseToTheNormInDouble(int n) {
    float[] x = randomRow(n, n);
    float[] weight = randomRow(n, n + 1);
    float[] y = new float[n];
    rows.rmsNorm(x, 0, weight, EPSILON, y, 0, n);
    double squares = 0;
    for (float v : x) {
      squares += (double) v * v;
    }
    double r = 1 / Math.sqrt(squares / n + EPSILON);
    for (int j = 0; j < n; j++) {
      double exact = x[j] * r * weight[j];
      assertEquals(exact, y[j], 1e-6 * Math.abs(exact) + 1e-30, "element " + j);
    }
  }

  @Test
  void squaresAreAddedIn64PartsAndAFixedTree() {
    int n = 200;
    float[] x = randomRow(n, 8);
    float[] s = new float[64];
    for (int j = 0; j < n; j++) {
      s[j % 64] = Math.fma(x[j], x[j], s[j % 64]);
    }
    for (int half : new int[] {32, 16, 8, 4, 2, 1}) {
      for (int k = 0; k < half; k++) {
        s[k] = s[k] + s[k + half];
      }
    }
    float r = 1 / (float) Math.sqrt(s[0] / n + EPSILON);
    float[] ones = new float[n];
    Arrays.fill(ones, 1);
    float[] y = new float[n];
    rows.rmsNorm(x, 0, ones, EPSILON, y, 0, n);
    for (int j = 0; j < n; j++) {
      assertEquals(x[j] * r, y[j], "element " + j);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 64, 1000})
  void quantisingRoundsTheNormToTheLargestOf127(int n) {
    float[] x = randomRow(n, n);
    float[] weight = randomRow(n, n + 1);
    float[] y = new float[n];
    rows.rmsNorm(x, 0, weight, EPSILON, y, 0, n);
    float max = 0;
    for (float v : y) {
      max = Math.max(max, Math.abs(v));
    }
    for (RowKernels.Rounding rounding : RowKernels.Rounding.values()) {
      short[] q = new short[n + 2];
      float s = rows.normalizeAndQuantize(x, 0, weight, EPSILON, rounding, q, 1, n);
      assertEquals(127 / max, s);
      int largest = 0;
      for (int j = 0; j < n; j++) {
        int expected =
            rounding == HALF_AWAY
                ? (int) Math.signum(y[j]) * (int) Math.floor(Math.abs((double) (y[j] * s)) + 0.5)
                : (int) Math.rint((double) (y[j] * s));
        assertEquals(expected, q[1 + j]);
        largest = Math.max(largest, Math.abs(q[1 + j]));
      }
      assertEquals(127, largest);
      assertEquals(0, q[0] + q[n + 1], "writes only its own row");
    }
  }

  @Test
  void theRoundingModeDecidesTies() {
    // One value of 127 and one of 2.5 steps: an rms of 1 keeps both exact.
    float[] x = {127, 2.5f};
    float rms = (float) Math.sqrt((127 * 127 + 2.5 * 2.5) / 2);
    float[] weight = {rms, rms};
    short[] q = new short[2];
    float s = rows.normalizeAndQuantize(x, 0, weight, 0, HALF_AWAY, q, 0, 2);
    float v = 2.5f * (1 / rms) * rms * s;
    assertEquals(ScalarRowKernels.roundHalfAway(v), q[1]);
    rows.normalizeAndQuantize(x, 0, weight, 0, HALF_EVEN, q, 0, 2);
    assertEquals(ScalarRowKernels.roundHalfEven(v), q[1]);
  }

  @Test
  void aRowOfZerosOrOfNanQuantisesToZeros() {
    for (float value : new float[] {0, Float.NaN, Float.POSITIVE_INFINITY}) {
      float[] x = new float[70];
      Arrays.fill(x, value);
      float[] ones = new float[70];
      Arrays.fill(ones, 1);
      short[] q = new short[70];
      Arrays.fill(q, (short) 9);
      float s = rows.normalizeAndQuantize(x, 0, ones, EPSILON, HALF_AWAY, q, 0, 70);
      assertArrayEquals(new short[70], q, value + "");
      if (value == 0) {
        assertEquals(127 / 1e-5f, s);
      }
    }
  }

  @Test
  void gatesAndRecurrenceFollowHgrn() {
    int n = 100;
    float[] forget = randomRow(n, 1);
    float[] input = randomRow(n, 2);
    float[] state = randomRow(n, 3);
    float[] lower = new float[n];
    Arrays.fill(lower, 0.25f);
    float[] f = forget.clone();
    float[] i = input.clone();
    float[] h = state.clone();
    rows.forgetAndInputGates(f, 0, i, 0, lower, n);
    rows.recurrence(f, 0, i, 0, h, 0, n);
    for (int j = 0; j < n; j++) {
      double gate = 0.25 + 0.75 / (1 + Math.exp(-forget[j]));
      double in = input[j] / (1 + Math.exp(-input[j])) * (1 - gate);
      assertEquals(gate, f[j], 2e-7);
      assertEquals(gate * state[j] + in, h[j], 1e-6);
      assertEquals(h[j], i[j], "input carries the new state on");
    }
  }

  @Test
  void gatedProductsFollowTheirFormulas() {
    int n = 100;
    float[] x = randomRow(n, 1);
    float[] gate = randomRow(n, 2);
    float[] weight = randomRow(n, 3);
    float[] norm = new float[n];
    rows.rmsNorm(x, 0, weight, EPSILON, norm, 0, n);
    float[] gated = new float[n];
    rows.normSwishGate(x, 0, weight, EPSILON, gate, 0, gated, 0, n);
    float[] product = new float[n];
    rows.swiGlu(gate, 0, x, 0, product, 0, n);
    float[] sum = x.clone();
    rows.add(sum, 0, gate, 0, n);
    for (int j = 0; j < n; j++) {
      assertEquals(norm[j] * ScalarRowKernels.silu(gate[j]), gated[j]);
      assertEquals(ScalarRowKernels.silu(gate[j]) * x[j], product[j]);
      assertEquals(x[j] + gate[j], sum[j]);
    }
  }

  @Test
  void logSumExpIsCloseToTheSumInDouble() {
    for (int n : new int[] {1, 63, 64, 65, 32000}) {
      float[] x = randomRow(n + 3, n);
      double sum = 0;
      for (int j = 0; j < n; j++) {
        sum += Math.exp(x[3 + j]);
      }
      assertEquals(Math.log(sum), rows.logSumExp(x, 3, n), 1e-6);
    }
    assertEquals(1000 + Math.log(2), rows.logSumExp(new float[] {1000, 1000}, 0, 2), 1e-6);
    float[] none = {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY};
    assertEquals(Double.NEGATIVE_INFINITY, rows.logSumExp(none, 0, 2));
    assertEquals(5, rows.logSumExp(new float[] {Float.NEGATIVE_INFINITY, 5}, 0, 2), 1e-6);
  }

  @Test
  void aRowsPlaceAndTheCompilerDoNotChangeItsBits() {
    // Thousands of calls: interpreter, first and second compiler all take their turn.
    int n = 333;
    float[] x = randomRow(n, 5);
    float[] weight = randomRow(n, 6);
    float[] first = new float[n];
    rows.normSwishGate(x, 0, weight, EPSILON, x, 0, first, 0, n);
    double logSumExp = rows.logSumExp(x, 0, n);
    float[] y = new float[n + 16];
    for (int call = 0; call < 20_000; call++) {
      int at = call % 16;
      float[] moved = new float[n + 16];
      System.arraycopy(x, 0, moved, at, n);
      rows.normSwishGate(moved, at, weight, EPSILON, moved, at, y, at, n);
      assertTrue(Arrays.equals(first, 0, n, y, at, at + n), "call " + call);
      assertEquals(logSumExp, rows.logSumExp(moved, at, n), "call " + call);
    }
  }

  private static float[] randomRow(int n, long seed) {
    Random random = new Random(seed);
    float[] row = new float[n];
    for (int j = 0; j < n; j++) {
      row[j] = (float) random.nextGaussian();
    }
    return row;
  }
}
