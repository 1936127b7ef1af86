package dev.tritium.kernel;

/** What every ternary format asks of the rows it packs. */
final class Trits {
  private Trits() {}

  /**
   * @throws IllegalArgumentException naming row and column of the first code that is not -1, 0, +1
   */
  static void check(byte[] codes, int columns, int row) {
    for (int c = 0; c < columns; c++) {
      if (codes[c] < -1 || codes[c] > 1) {
        throw new IllegalArgumentException(
            "row %d, column %d: %d is no ternary code".formatted(row, c, codes[c]));
      }
    }
  }

  static void checkFirstRow(TernaryFormat format, int firstRow) {
    if (firstRow % format.rowAlignment() != 0) {
      throw new IllegalArgumentException(
          "%s packs ranges that begin at multiples of %d, not at row %d"
              .formatted(format.id(), format.rowAlignment(), firstRow));
    }
  }
}
