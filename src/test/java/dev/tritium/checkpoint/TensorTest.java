package dev.tritium.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.FixtureTensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTest {
  private static final int ALL_SHORTS = 1 << 16;

  @Test
  void everyBf16PatternConvertsToTheFloatWithThoseUpperBits() {
    float[] values = tensor(FixtureTensor.ofShorts(DType.BF16, allShorts(), ALL_SHORTS)).toFloats();
    for (int bits = 0; bits < ALL_SHORTS; bits++) {
      assertEquals(bits << 16, Float.floatToRawIntBits(values[bits]), "bits " + bits);
    }
  }

  /** Against the definition of IEEE 754 binary16, subnormals and zeroes of both signs included. */
  @Test
  void everyF16PatternConvertsToItsValue() {
    float[] values = tensor(FixtureTensor.ofShorts(DType.F16, allShorts(), ALL_SHORTS)).toFloats();
    for (int bits = 0; bits < ALL_SHORTS; bits++) {
      int exponent = bits >> 10 & 31;
      int fraction = bits & 1023;
      double magnitude =
          switch (exponent) {
            case 0 -> Math.scalb((double) fraction, -24);
            case 31 -> fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
            default -> Math.scalb((double) (1024 + fraction), exponent - 25);
          };
      double expected = bits >> 15 == 0 ? magnitude : -magnitude;
      assertEquals(
          Float.floatToIntBits((float) expected),
          Float.floatToIntBits(values[bits]),
          "bits " + bits);
    }
  }

  @Test
  void f32KeepsEveryBit() {
    float[] values = {0f, -0f, Float.MIN_VALUE, -1.5f, Float.MAX_VALUE, Float.NaN, 1 / 0f};
    float[] read = tensor(FixtureTensor.of(DType.F32, values, values.length)).toFloats();
    for (int i = 0; i < values.length; i++) {
      assertEquals(Float.floatToRawIntBits(values[i]), Float.floatToRawIntBits(read[i]));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BF16", "F16", "F32"})
  void anyRangeReadsTheSameAsTheWhole(DType dtype) {
    float[] all = ramp(10_000);
    Tensor tensor = tensor(FixtureTensor.of(dtype, all, 100, 100));
    assertArrayEquals(all, tensor.toFloats());
    for (int[] range : new int[][] {{0, 0}, {0, 1}, {1, 4095}, {3, 4096}, {7, 4097}, {9999, 1}}) {
      float[] target = new float[range[1] + 2];
      tensor.readFloats(range[0], target, 1, range[1]);
      assertArrayEquals(
          Arrays.copyOfRange(all, range[0], range[0] + range[1]),
          Arrays.copyOfRange(target, 1, range[1] + 1),
          () -> Arrays.toString(range));
      assertEquals(0, target[0]);
      assertEquals(0, target[range[1] + 1]);
    }
  }

  @Test
  void aRangeOutsideIsRefused() {
    Tensor tensor = tensor(FixtureTensor.of(DType.BF16, ramp(6), 2, 3));
    float[] target = new float[10];
    assertThrows(IndexOutOfBoundsException.class, () -> tensor.readFloats(0, target, 0, 7));
    assertThrows(IndexOutOfBoundsException.class, () -> tensor.readFloats(-1, target, 0, 1));
    assertThrows(IndexOutOfBoundsException.class, () -> tensor.readFloats(6, target, 0, 1));
    assertThrows(IndexOutOfBoundsException.class, () -> tensor.readFloats(0, target, 5, 6));
    assertThrows(
        IndexOutOfBoundsException.class, () -> tensor.readFloats(Long.MAX_VALUE, target, 0, 1));
  }

  @Test
  void aTypeWithoutFloatsIsNamed() {
    Tensor tensor = tensor(FixtureTensor.ofInts(new int[] {1, 2}, 2));
    for (Runnable use : List.<Runnable>of(tensor::toFloats, tensor::requireFinite)) {
      assertMessage("tensor t: expected BF16 or F16 or F32, found I32 in x.safetensors", use);
    }
    assertSame(tensor, tensor.requireDType(DType.U8, DType.I32));
  }

  @Test
  void aWrongShapeIsNamedWithBothShapes() {
    Tensor tensor = tensor(FixtureTensor.of(DType.BF16, ramp(6), 2, 3));
    assertSame(tensor, tensor.requireShape(2, 3));
    assertMessage(
        "tensor t: expected [3, 2], found [2, 3] in x.safetensors",
        () -> tensor.requireShape(3, 2));
    assertMessage(
        "tensor t: expected [6], found [2, 3] in x.safetensors", () -> tensor.requireShape(6));
    assertMessage(
        "tensor t: expected [], found [2, 3] in x.safetensors", () -> tensor.requireShape());
  }

  /** Sizes around a lane of 8 bytes and a block of 32 KiB. */
  @ParameterizedTest
  @CsvSource({"BF16", "F16", "F32"})
  void aNaNOrInfinityIsFoundWhereverItStands(DType dtype) {
    for (int n : new int[] {1, 2, 3, 5, 8, 8191, 16_384, 16_385, 40_003}) {
      for (int at : new int[] {0, n / 2, n - 1}) {
        for (float bad : new float[] {Float.NaN, 1 / 0f, -1 / 0f}) {
          float[] values = ramp(n);
          values[at] = bad;
          assertMessage(
              "tensor t: expected finite values, found %s at element %d of [%d] in x.safetensors"
                  .formatted(bad, at, n),
              () -> tensor(FixtureTensor.of(dtype, values, n)).requireFinite());
        }
      }
    }
  }

  @Test
  void theFirstOfSeveralIsNamed() {
    float[] values = ramp(20_000);
    values[9_000] = 1 / 0f;
    values[9_001] = Float.NaN;
    values[19_999] = Float.NaN;
    assertMessage(
        "found Infinity at element 9000 of [200, 100]",
        () -> tensor(FixtureTensor.of(DType.BF16, values, 200, 100)).requireFinite());
  }

  /** All patterns at once, so each also stands beside every neighbour's carry. */
  @ParameterizedTest
  @CsvSource({"BF16, 0x7F80", "F16, 0x7C00"})
  void everyFinitePatternOf16BitsPasses(DType dtype, int exponent) {
    short[] bits = new short[ALL_SHORTS];
    int n = 0;
    for (int b = 0; b < ALL_SHORTS; b++) {
      if ((b & exponent) != exponent) {
        bits[n++] = (short) b;
      }
    }
    Tensor tensor = tensor(FixtureTensor.ofShorts(dtype, Arrays.copyOf(bits, n), n));
    assertSame(tensor, tensor.requireFinite());
  }

  @Test
  void extremeFiniteFloatsPass() {
    float[] values = {Float.MAX_VALUE, -Float.MAX_VALUE, Float.MIN_VALUE, -0f, 0f};
    Tensor tensor = tensor(FixtureTensor.of(DType.F32, values, 5));
    assertDoesNotThrow(tensor::requireFinite);
    assertDoesNotThrow(tensor(FixtureTensor.of(DType.F32, new float[0], 0))::requireFinite);
  }

  @Test
  void dataOfAnotherSizeThanTheShapesIsRefused() {
    FixtureTensor t = FixtureTensor.of(DType.BF16, ramp(6), 2, 4);
    assertThrows(IllegalArgumentException.class, () -> tensor(t));
  }

  private static Tensor tensor(FixtureTensor t) {
    return new Tensor("t", t.dtype(), t.shape(), t.data(), Path.of("folder", "x.safetensors"));
  }

  private static short[] allShorts() {
    short[] bits = new short[ALL_SHORTS];
    for (int b = 0; b < ALL_SHORTS; b++) {
      bits[b] = (short) b;
    }
    return bits;
  }

  /** Values that all three types hold exactly. */
  private static float[] ramp(int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (i % 251 - 125) / 64f;
    }
    return values;
  }

  private static void assertMessage(String message, Runnable use) {
    CheckpointException e = assertThrows(CheckpointException.class, use::run);
    assertTrue(
        String.valueOf(e.getMessage()).contains(message),
        () -> "expected '" + message + "' in: " + e.getMessage());
  }
}
