package dev.tritium.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

class TernaryFormatTest {
  private static final List<TernaryFormat> FORMATS = List.of(new T2Format(), new T9Format());
  private static final int[] WIDTHS = {1, 8, 9, 10, 127, 128, 129, 253, 1001};

  @Test
  void unpackingGivesBackWhatWasPacked() {
    for (TernaryFormat format : FORMATS) {
      for (int columns : WIDTHS) {
        for (int rows : new int[] {1, 3, 64, 65, 257}) {
          TernaryMatrix matrix = TernaryMatrix.random(rows, columns, rows);
          MemorySegment packed = matrix.packed(format);
          byte[] codes = new byte[columns];
          for (int row = 0; row < rows; row++) {
            format.unpackRow(packed, columns, row, codes);
            assertArrayEquals(matrix.row(row), codes, format.id() + " row " + row);
          }
        }
      }
    }
  }

  @Test
  void packingByRangesEqualsPackingWhole() {
    for (TernaryFormat format : FORMATS) {
      for (int columns : WIDTHS) {
        TernaryMatrix matrix = TernaryMatrix.random(700, columns, columns);
        MemorySegment byRanges =
            Arena.ofAuto().allocate(format.packedBytes(700, columns)).fill((byte) 0xFF);
        format.pack(matrix.source(), columns, 512, 700, byRanges);
        format.pack(matrix.source(), columns, 0, 256, byRanges);
        format.pack(matrix.source(), columns, 256, 512, byRanges);
        assertEquals(-1, matrix.packed(format).mismatch(byRanges), format.id() + " " + columns);
      }
    }
  }

  @Test
  void paddingIsTritZero() {
    // T2: every digit 1; T9: 13 | 13 << 5 | 13 << 10.
    assertPadding(new T2Format(), 0x5555);
    assertPadding(new T9Format(), 0x35AD);
  }

  private static void assertPadding(TernaryFormat format, int word) {
    MemorySegment packed = TernaryMatrix.of(1, 1, i -> 0).packed(format);
    for (long at = 0; at < packed.byteSize(); at += 2) {
      assertEquals(word, wordAt(packed, at), format.id() + " byte " + at);
    }
  }

  @Test
  void sizesCountThePadding() {
    assertEquals(128, new T2Format().packedBytes(1, 1));
    assertEquals(3 * 2 * 128, new T2Format().packedBytes(9, 129));
    assertEquals(4 * 128, new T9Format().packedBytes(1, 9));
    assertEquals(16 * 3 * 64, new T9Format().packedBytes(257, 10));
    assertEquals(32000 / 32 * 285 * 64L, new T9Format().packedBytes(32000, 2560));
    assertTrue(new T9Format().packedBytes(2_000_000, 100_000) > 1L << 35);
  }

  @Test
  void t2PutsEveryWeightWhereItsLayoutSays() {
    // Row 6 is row 2 of block 1; 300 columns are 3 chunks. Column 181 = 128 + 3 * 16 + 5: chunk 1,
    // j 3, lane 5. Word ((1 * 3 + 1) * 4 + 2) * 16 + 5 = 293, bits 6 and 7.
    assertOnlyWord(new T2Format(), 8, 300, 6, 181, 293, 0x5555 + (1 << 6));
    // Row 0, column 0: word 0, bits 0 and 1.
    assertOnlyWord(new T2Format(), 8, 300, 0, 0, 0, 0x5556);
    // Row 7, column 299 = 2 * 128 + 2 * 16 + 11: word ((3 + 2) * 4 + 3) * 16 + 11 = 379, bits 4, 5.
    assertOnlyWord(new T2Format(), 8, 300, 7, 299, 379, 0x5555 + (1 << 4));
  }

  @Test
  void t9PutsEveryWeightWhereItsLayoutSays() {
    // Row 64 + 32 + 16 + 5 = 117: block 1, vector 1, lane 5 * 2 + 1 = 11. 30 columns are 4 groups,
    // stride 5. Column 25 = 2 * 9 + 7: group 2, third code (bits 10-14), second digit (3).
    // Word ((1 * 5 + 2) * 2 + 1) * 32 + 11 = 491.
    assertOnlyWord(new T9Format(), 256, 30, 117, 25, 491, 0x35AD + (3 << 10));
    // Row 17: block 0, lane 1 * 2 + 1 = 3. Column 5: first group, second code, third digit (9).
    assertOnlyWord(new T9Format(), 256, 30, 17, 5, 3, 0x35AD + (9 << 5));
    // Row 0, column 0.
    assertOnlyWord(new T9Format(), 256, 30, 0, 0, 0, 0x35AE);
  }

  /** Packs zeros and one +1: exactly one word differs from the padding word. */
  private static void assertOnlyWord(
      TernaryFormat format, int rows, int columns, int row, int column, int word, int value) {
    TernaryMatrix matrix =
        TernaryMatrix.of(rows, columns, i -> i == row * columns + column ? 1 : 0);
    MemorySegment packed = matrix.packed(format);
    int zero = format.id().equals("T2") ? 0x5555 : 0x35AD;
    for (int w = 0; w < packed.byteSize() / 2; w++) {
      assertEquals(w == word ? value : zero, wordAt(packed, 2L * w), format.id() + " word " + w);
    }
  }

  @Test
  void aCodeThatIsNotTernaryIsRefusedWithItsPlace() {
    for (TernaryFormat format : FORMATS) {
      for (int bad : new int[] {-2, 2, 127, -128}) {
        TernaryMatrix matrix = TernaryMatrix.of(3, 5, i -> i == 12 ? bad : 0);
        IllegalArgumentException e =
            assertThrows(IllegalArgumentException.class, () -> matrix.packed(format));
        assertEquals("row 2, column 2: " + bad + " is no ternary code", e.getMessage());
      }
    }
  }

  @Test
  void aRangeThatBeginsInsideABlockIsRefused() {
    for (TernaryFormat format : FORMATS) {
      TernaryMatrix matrix = TernaryMatrix.random(8, 5, 1);
      assertThrows(
          IllegalArgumentException.class,
          () -> format.pack(matrix.source(), 5, 2, 8, matrix.packed(format)));
    }
  }

  /** Byte by byte, so that the test holds the little endian order too. */
  private static int wordAt(MemorySegment packed, long at) {
    return (packed.get(ValueLayout.JAVA_BYTE, at) & 0xFF)
        | (packed.get(ValueLayout.JAVA_BYTE, at + 1) & 0xFF) << 8;
  }
}
