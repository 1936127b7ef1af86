package dev.tritium.checkpoint;

import org.jspecify.annotations.Nullable;

/**
 * Element types of the safetensors format, by their names in the file (the {@code Dtype} enum of
 * huggingface/safetensors).
 *
 * <p>{@link #BF16}, {@link #F16} and {@link #F32} convert to float; the others can only be read
 * raw.
 */
public enum DType {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E5M2FNUZ(8),
  F8_E4M3FNUZ(8),
  U16(16),
  I16(16),
  F16(16),
  BF16(16),
  U32(32),
  I32(32),
  F32(32),
  U64(64),
  I64(64),
  F64(64),
  C64(64);

  private final int bits;

  DType(int bits) {
    this.bits = bits;
  }

  /** Bits of one element; below 8 where the format packs several elements into a byte. */
  public int bits() {
    return bits;
  }

  /**
   * Bytes of {@code elements} elements.
   *
   * @throws ArithmeticException if the size overflows a long or is not a whole number of bytes
   */
  public long bytes(long elements) {
    long allBits = Math.multiplyExact(elements, (long) bits);
    if (allBits % 8 != 0) {
      throw new ArithmeticException(allBits + " bits are not a whole number of bytes");
    }
    return allBits / 8;
  }

  /** The type of that name in a safetensors header, or null if there is none. */
  static @Nullable DType named(String name) {
    for (DType dtype : values()) {
      if (dtype.name().equals(name)) {
        return dtype;
      }
    }
    return null;
  }
}
