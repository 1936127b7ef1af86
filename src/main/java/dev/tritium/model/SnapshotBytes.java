package dev.tritium.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * The byte form of a state of floats, little endian: magic "TRST", version (int32), digest of the
 * model (32 bytes), token count (int64), number of floats (int32), the floats, CRC32C (int32) of
 * all before it.
 */
record SnapshotBytes(long tokenCount, float[] values) {
  private static final int MAGIC = 0x54535254; // "TRST"
  private static final int VERSION = 1;
  private static final int DIGEST_BYTES = 32;
  private static final int HEADER_BYTES = 4 + 4 + DIGEST_BYTES + 8 + 4;
  private static final int CHECKSUM_BYTES = 4;

  byte[] write(byte[] modelDigest) {
    byte[] bytes = new byte[HEADER_BYTES + 4 * values.length + CHECKSUM_BYTES];
    ByteBuffer buffer = buffer(bytes);
    buffer.putInt(MAGIC).putInt(VERSION).put(modelDigest).putLong(tokenCount).putInt(values.length);
    for (float value : values) {
      buffer.putFloat(value);
    }
    buffer.putInt(checksum(bytes));
    return bytes;
  }

  /**
   * Reads a state of {@code count} floats.
   *
   * @throws IllegalArgumentException if the bytes are damaged, of another version or of another
   *     model
   */
  static SnapshotBytes read(byte[] bytes, byte[] modelDigest, int count) {
    int expected = HEADER_BYTES + 4 * count + CHECKSUM_BYTES;
    require(
        bytes.length == expected,
        "a state of this model has " + expected + " bytes, found " + bytes.length);
    ByteBuffer buffer = buffer(bytes);
    require(buffer.getInt() == MAGIC, "not a saved state");
    int version = buffer.getInt();
    require(version == VERSION, "state of version " + version + ", expected " + VERSION);
    byte[] digest = new byte[DIGEST_BYTES];
    buffer.get(digest);
    require(Arrays.equals(digest, modelDigest), "the state belongs to another model");
    long tokenCount = buffer.getLong();
    require(buffer.getInt() == count && tokenCount >= 0, "the state is damaged");
    require(
        buffer.getInt(bytes.length - CHECKSUM_BYTES) == checksum(bytes), "the state is damaged");
    float[] values = new float[count];
    buffer.asFloatBuffer().get(values);
    return new SnapshotBytes(tokenCount, values);
  }

  private static ByteBuffer buffer(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static int checksum(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, bytes.length - CHECKSUM_BYTES);
    return (int) crc.getValue();
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalArgumentException(message);
    }
  }
}
