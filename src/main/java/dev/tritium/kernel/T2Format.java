package dev.tritium.kernel;

import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Two bits per weight: code digit = trit + 1, eight columns in a 16-bit little-endian word.
 *
 * <p>A block is 4 rows, a chunk 128 columns. Word {@code ((block * chunks + chunk) * 4 + row % 4) *
 * 16 + lane} holds columns {@code chunk * 128 + j * 16 + lane} in bits {@code 2j, 2j + 1}, j in [0,
 * 8). Missing rows and columns are trit 0.
 */
public final class T2Format implements TernaryFormat {
  static final int BLOCK_ROWS = 4;
  static final int CHUNK_COLUMNS = 128;

  private static final int LANES = 16;
  private static final int COLUMNS_PER_WORD = 8;
  private static final short ZERO_WORD = 0x5555; // eight digits 1

  private static final ValueLayout.OfShort WORD =
      JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  @Override
  public String id() {
    return "T2";
  }

  @Override
  public int rowAlignment() {
    return BLOCK_ROWS;
  }

  @Override
  public long packedBytes(int rows, int columns) {
    return Math.ceilDiv(rows, BLOCK_ROWS) * blockBytes(columns);
  }

  private static long blockBytes(int columns) {
    return (long) chunks(columns) * BLOCK_ROWS * LANES * Short.BYTES;
  }

  /** Chunks of 128 columns, the last one padded. */
  public static int chunks(int columns) {
    return Math.ceilDiv(columns, CHUNK_COLUMNS);
  }

  @Override
  public void pack(RowSource source, int columns, int firstRow, int endRow, MemorySegment target) {
    Trits.checkFirstRow(this, firstRow);
    byte[] codes = new byte[columns];
    short[] block = new short[chunks(columns) * BLOCK_ROWS * LANES];
    for (int row = firstRow; row < endRow; row += BLOCK_ROWS) {
      Arrays.fill(block, ZERO_WORD);
      for (int r = 0; r < BLOCK_ROWS && row + r < endRow; r++) {
        source.read(row + r, codes);
        Trits.check(codes, columns, row + r);
        packRow(codes, columns, r, block);
      }
      long at = row / BLOCK_ROWS * blockBytes(columns);
      MemorySegment.copy(block, 0, target, WORD, at, block.length);
    }
  }

  private static void packRow(byte[] codes, int columns, int r, short[] block) {
    for (int c = 0; c < columns; c++) {
      // A trit is added to the digit 1 that already stands there; no field can overflow.
      block[wordOf(c, r)] += (short) (codes[c] << shiftOf(c));
    }
  }

  @Override
  public void unpackRow(MemorySegment packed, int columns, int row, byte[] codes) {
    long at = row / BLOCK_ROWS * blockBytes(columns);
    for (int c = 0; c < columns; c++) {
      int word = packed.get(WORD, at + wordOf(c, row % BLOCK_ROWS) * (long) Short.BYTES);
      codes[c] = (byte) (((word >> shiftOf(c)) & 3) - 1);
    }
  }

  /** Index of a column's word inside its block. */
  private static int wordOf(int column, int rowInBlock) {
    return (column / CHUNK_COLUMNS * BLOCK_ROWS + rowInBlock) * LANES + column % LANES;
  }

  private static int shiftOf(int column) {
    return 2 * (column / LANES % COLUMNS_PER_WORD);
  }
}
