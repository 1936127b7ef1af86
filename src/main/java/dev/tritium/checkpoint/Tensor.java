package dev.tritium.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * A tensor of a mapped safetensors file, row-major.
 *
 * <p>The data is the mapping itself, little-endian and not necessarily aligned, readable until its
 * file is closed (then {@link IllegalStateException}).
 *
 * @param shape outermost dimension first, empty for a scalar
 * @param data all elements, read-only
 * @param file the file that holds it
 */
public record Tensor(String name, DType dtype, List<Long> shape, MemorySegment data, Path file) {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

  /** Elements converted at a time: the raw block stays in the first-level cache. */
  private static final int BLOCK_ELEMENTS = 4096;

  /** Each thread has one: embeddings are read for every token, and nothing is allocated then. */
  private static final ThreadLocal<short[]> BLOCK =
      ThreadLocal.withInitial(() -> new short[BLOCK_ELEMENTS]);

  private static final int BLOCK_LONGS = 4096;

  public Tensor {
    shape = List.copyOf(shape);
    long expected = dtype.bytes(shape.stream().reduce(1L, Math::multiplyExact));
    if (data.byteSize() != expected) {
      throw new IllegalArgumentException(
          "%s %s takes %d bytes, found %d".formatted(dtype, shape, expected, data.byteSize()));
    }
  }

  /** Number of elements: the product of the shape. */
  public long elements() {
    return data.byteSize() * 8 / dtype.bits();
  }

  /**
   * This tensor if it has exactly that shape.
   *
   * @throws CheckpointException otherwise
   */
  public Tensor requireShape(long... expected) {
    if (!shape.equals(Arrays.stream(expected).boxed().toList())) {
      throw unexpected(Arrays.toString(expected), shape.toString());
    }
    return this;
  }

  /**
   * This tensor if its type is one of those.
   *
   * @throws CheckpointException otherwise
   */
  public Tensor requireDType(DType... expected) {
    if (!List.of(expected).contains(dtype)) {
      throw unexpected(
          Arrays.stream(expected).map(DType::name).collect(Collectors.joining(" or ")),
          dtype.name());
    }
    return this;
  }

  /**
   * This tensor if it has neither a NaN nor an infinity.
   *
   * @throws CheckpointException naming the first such element, or if the type does not convert to
   *     float
   */
  public Tensor requireFinite() {
    long element = firstNotFinite();
    if (element >= 0) {
      float[] found = new float[1];
      readFloats(element, found, 0, 1);
      throw unexpected(
          "finite values", "%s at element %d of %s".formatted(found[0], element, shape));
    }
    return this;
  }

  /**
   * Reads {@code n} elements, from element {@code first} on, as floats into {@code target} at
   * {@code at}. The conversion is exact; a NaN keeps being one.
   *
   * @throws CheckpointException if the type is not BF16, F16 or F32
   * @throws IndexOutOfBoundsException if the range is outside the tensor or the target
   */
  public void readFloats(long first, float[] target, int at, int n) {
    Objects.checkFromIndexSize(first, (long) n, elements());
    Objects.checkFromIndexSize(at, n, target.length);
    requireDType(DType.BF16, DType.F16, DType.F32);
    if (dtype == DType.F32) {
      MemorySegment.copy(data, FLOAT, first * Float.BYTES, target, at, n);
      return;
    }
    short[] block = BLOCK.get();
    for (int done = 0; done < n; done += block.length) {
      int size = Math.min(block.length, n - done);
      MemorySegment.copy(data, SHORT, (first + done) * Short.BYTES, block, 0, size);
      if (dtype == DType.BF16) {
        fromBf16(block, target, at + done, size);
      } else {
        fromF16(block, target, at + done, size);
      }
    }
  }

  /**
   * All elements as floats, row-major.
   *
   * @throws CheckpointException if the type is not BF16, F16 or F32, or there are more elements
   *     than an array can hold
   */
  public float[] toFloats() {
    if (elements() > Integer.MAX_VALUE - 8) {
      throw unexpected("at most 2^31 - 9 elements", shape.toString());
    }
    float[] values = new float[(int) elements()];
    readFloats(0, values, 0, values.length);
    return values;
  }

  // Both loops are plain array loops so that the compiler vectorises them.
  private static void fromBf16(short[] block, float[] target, int at, int n) {
    for (int i = 0; i < n; i++) {
      target[at + i] = Float.intBitsToFloat(block[i] << 16);
    }
  }

  private static void fromF16(short[] block, float[] target, int at, int n) {
    for (int i = 0; i < n; i++) {
      target[at + i] = Float.float16ToFloat(block[i]);
    }
  }

  /** Index of the first NaN or infinity (an exponent of all ones), or -1. */
  private long firstNotFinite() {
    requireDType(DType.BF16, DType.F16, DType.F32);
    // 8 bytes at a time: adding the exponent's lowest bit carries into the sign bit of a lane
    // exactly if the exponent is all ones.
    long exponents =
        switch (dtype) {
          case BF16 -> 0x7F80_7F80_7F80_7F80L;
          case F16 -> 0x7C00_7C00_7C00_7C00L;
          default -> 0x7F80_0000_7F80_0000L;
        };
    long lowest = exponents & ~(exponents << 1);
    long signs = exponents + lowest;
    int elementBytes = dtype.bits() / 8;
    // An array loop, unlike one over a segment, is fast on its first run too.
    long[] block = new long[BLOCK_LONGS];
    long blocksEnd = data.byteSize() / Long.BYTES;
    for (long at = 0; at < blocksEnd; at += BLOCK_LONGS) {
      int size = (int) Math.min(BLOCK_LONGS, blocksEnd - at);
      MemorySegment.copy(data, LONG, at * Long.BYTES, block, 0, size);
      if ((carries(block, size, exponents, lowest) & signs) != 0) {
        return firstNotFinite(at * Long.BYTES / elementBytes, size * Long.BYTES / elementBytes);
      }
    }
    long tail = blocksEnd * Long.BYTES / elementBytes;
    return firstNotFinite(tail, (int) (elements() - tail));
  }

  private static long carries(long[] block, int n, long exponents, long lowest) {
    long carries = 0;
    for (int i = 0; i < n; i++) {
      carries |= (block[i] & exponents) + lowest;
    }
    return carries;
  }

  /** The same for n elements from {@code first} on, one by one. */
  private long firstNotFinite(long first, int n) {
    float[] values = new float[n];
    readFloats(first, values, 0, n);
    for (int i = 0; i < n; i++) {
      if (!Float.isFinite(values[i])) {
        return first + i;
      }
    }
    return -1;
  }

  private CheckpointException unexpected(String expected, String found) {
    return new CheckpointException(
        "tensor %s: expected %s, found %s in %s"
            .formatted(Printable.of(name), expected, found, file.getFileName()));
  }

  /**
   * Gives the pages of its data back to the system, which reads them again from the file when they
   * are needed: what was read once would else stay in the process's resident memory.
   */
  public void release() {
    if (data.isMapped()) {
      data.unload();
    }
  }
}
