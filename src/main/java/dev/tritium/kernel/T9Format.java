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
 * <p>A group is 9 columns, a block 64 rows, two vectors. The word of a row and a group is number
 * {@code ((block * stride + group) * 2 + vector) * 32 + lane}, little endian, where the row is
 * {@code block * 64 + vector * 32 + (lane & 1) * 16 + (lane >> 1)}: so that a vector of 32 shorts,
 * seen as 16 ints, holds rows 0-15 in the low and 16-31 in the high halves. The stride is the
 * number of groups, made odd: kernels walk several blocks side by side, whose lines then lie in
 * different sets of a cache. Missing rows and columns are trit 0.
 */
public final class T9Format implements TernaryFormat {
  /** Two vectors. */
  public static final int BLOCK_ROWS = 64;

  public static final int GROUP_COLUMNS = 9;

  /** Bytes of one block's words of one group: two cache lines, which CPUs fetch as a pair. */
  public static final int GROUP_BYTES = 128;

  private static final int ROW_ALIGNMENT = 256; // at least four blocks for kernels to walk
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
    return ROW_ALIGNMENT;
  }

  @Override
  public long packedBytes(int rows, int columns) {
    return paddedRows(rows) / BLOCK_ROWS * blockBytes(columns);
  }

  private static int paddedRows(int rows) {
    return Math.ceilDiv(rows, ROW_ALIGNMENT) * ROW_ALIGNMENT;
  }

  /** Bytes from one block to the next. */
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
    for (int row = firstRow; row < paddedRows(endRow); row += BLOCK_ROWS) {
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
    int vector = rowInBlock / 32;
    int lane = rowInBlock % 16 * 2 + rowInBlock / 16 % 2;
    return (group * 2 + vector) * 32 + lane;
  }
}
