package dev.tritium.testing;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.tritium.checkpoint.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * A tensor for a checkpoint that a test writes: type, shape and little-endian bytes.
 *
 * <p>The bytes may contradict type and shape where a broken file is wanted.
 */
public record FixtureTensor(DType dtype, List<Long> shape, MemorySegment data) {

  /** Floats as BF16, F16 (both rounded to nearest, ties to even) or F32, row-major. */
  public static FixtureTensor of(DType dtype, float[] values, long... shape) {
    ByteBuffer bytes = littleEndian(values.length * dtype.bits() / 8);
    for (float value : values) {
      switch (dtype) {
        case BF16 -> bytes.putShort(toBf16(value));
        case F16 -> bytes.putShort(Float.floatToFloat16(value));
        case F32 -> bytes.putInt(Float.floatToRawIntBits(value));
        default -> throw new IllegalArgumentException("no floats as " + dtype);
      }
    }
    return of(dtype, bytes, shape);
  }

  /** Integers as I32, row-major. */
  public static FixtureTensor ofInts(int[] values, long... shape) {
    ByteBuffer bytes = littleEndian(values.length * Integer.BYTES);
    bytes.asIntBuffer().put(values);
    return of(DType.I32, bytes, shape);
  }

  /** Elements of 16 bits given by their bits, such as BF16 or F16 patterns. */
  public static FixtureTensor ofShorts(DType dtype, short[] bits, long... shape) {
    ByteBuffer bytes = littleEndian(bits.length * Short.BYTES);
    bytes.asShortBuffer().put(bits);
    return of(dtype, bytes, shape);
  }

  /** Any type by its bytes. */
  public static FixtureTensor raw(DType dtype, byte[] bytes, long... shape) {
    return of(dtype, ByteBuffer.wrap(bytes), shape);
  }

  private static FixtureTensor of(DType dtype, ByteBuffer bytes, long... shape) {
    return new FixtureTensor(
        dtype, Arrays.stream(shape).boxed().toList(), MemorySegment.ofBuffer(bytes.clear()));
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(LITTLE_ENDIAN);
  }

  private static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >> 16) | 0x40); // a carry must not turn a NaN into an infinity
    }
    return (short) ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
  }
}
