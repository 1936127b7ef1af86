package dev.tritium.kernel;

import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Nine weights in 16 bits (1.78 bits each): a word holds three codes of three trits, digit = trit +
 * 1, code = d(c) + 3 d(c + 1) + 9 d(c + 2), in bits 0-4, 5-9 and 10-14.
 *
 * <p>A group is 9 columns, a block 32 rows. The word of a row and a group is number {@code (block *
 * stride + group) * 32 + lane}, little endian, where the row is {@code block * 32 + (lane & 1) * 16
 * + (lane >> 1)}: so that a vector of 32 shorts, seen as 16 ints, holds rows 0-15 in the low and
 * 16-31 in the high halves. The stride is the number of groups, made odd: kernels walk eight blocks
 * side by side, whose lines then lie in different sets of a cache. Missing rows and columns are
 * trit 0.
 */
public final class T9Format implements TernaryFormat {
  /** Eight blocks, which kernels walk side by side. */
  public static final int SUPER_BLOCK_ROWS = 256;

  /** Bytes of one block's words of one group: a cache line. */
  public static final int GROUP_BYTES = 64;

  private static final int GROUP_COLUMNS = 9;
  private static final int BLOCK_ROWS = 32;
  private static final short ZERO_WORD = 13 | 13 << 5 | 13 << 10; // 0x35AD
  private static final int[] DIGIT_WEIGHTS = {
    1, 3, 9, 1 << 5, 3 << 5, 9 << 5, 1 << 10, 3 << 10, 9 << 10
  };

  private static final ValueLayout.OfShort WORD =
      JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  @Override
  public String id() {
    return "T9";
  }

  @Override
  public int rowAlignment() {
    return SUPER_BLOCK_ROWS;
  }

  @Override
  public long packedBytes(int rows, int columns) {
    int superBlocks = Math.ceilDiv(rows, SUPER_BLOCK_ROWS);
    return superBlocks * (SUPER_BLOCK_ROWS / BLOCK_ROWS * blockBytes(columns));
  }

  /** Bytes from one block of 32 rows to the next. */
  public static long blockBytes(int columns) {
    return (long) stride(columns) * GROUP_BYTES;
  }

  private static int stride(int columns) {
    return groups(columns) | 1;
  }

  /** Groups of 9 columns, the last one padded. */
  public static int groups(int columns) {
    return Math.ceilDiv(columns, GROUP_COLUMNS);
  }

  @Override
  public void pack(RowSource source, int columns, int firstRow, int endRow, MemorySegment target) {
    Trits.checkFirstRow(this, firstRow);
    byte[] codes = new byte[columns];
    short[] block = new short[stride(columns) * BLOCK_ROWS];
    int paddedEnd = Math.ceilDiv(endRow, SUPER_BLOCK_ROWS) * SUPER_BLOCK_ROWS;
    for (int row = firstRow; row < paddedEnd; row += BLOCK_ROWS) {
      Arrays.fill(block, ZERO_WORD);
      for (int r = 0; r < BLOCK_ROWS && row + r < endRow; r++) {
        source.read(row + r, codes);
        Trits.check(codes, columns, row + r);
        packRow(codes, columns, r, block);
      }
      MemorySegment.copy(
          block, 0, target, WORD, row / BLOCK_ROWS * blockBytes(columns), block.length);
    }
  }

  private static void packRow(byte[] codes, int columns, int r, short[] block) {
    int at = wordOf(0, r);
    for (int c = 0; c < columns; at += BLOCK_ROWS) {
      int word = ZERO_WORD; // digits 1; a trit is what its digit differs by
      for (int d = 0; d < GROUP_COLUMNS && c < columns; d++, c++) {
        word += codes[c] * DIGIT_WEIGHTS[d];
      }
      block[at] = (short) word;
    }
  }

  @Override
  public void unpackRow(MemorySegment packed, int columns, int row, byte[] codes) {
    long block = row / BLOCK_ROWS * blockBytes(columns);
    for (int c = 0; c < columns; c++) {
      long at = block + wordOf(c / GROUP_COLUMNS, row % BLOCK_ROWS) * (long) Short.BYTES;
      int code = (packed.get(WORD, at) >> (c % GROUP_COLUMNS / 3 * 5)) & 31;
      int digit =
          switch (c % 3) {
            case 0 -> code % 3;
            case 1 -> code / 3 % 3;
            default -> code / 9;
          };
      codes[c] = (byte) (digit - 1);
    }
  }

  /** Index of a word inside its block. */
  private static int wordOf(int group, int rowInBlock) {
    int lane = rowInBlock % 16 * 2 + rowInBlock / 16;
    return group * BLOCK_ROWS + lane;
  }
}
