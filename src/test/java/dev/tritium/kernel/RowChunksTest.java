package dev.tritium.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RowChunksTest {
  private static final int UNIT = T9Format.BLOCK_ROWS;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 7, 16})
  void everyMultipleOfFourUnitsSplitsIntoFourToSix(int threads) {
    T9Format format = new T9Format();
    RowChunks chunks = new RowChunks(format, threads);
    for (int units = 4; units <= 240; units += 4) {
      int rows = units * UNIT;
      var codes = Arena.ofAuto().allocate(format.packedBytes(rows, 1));
      Product product =
          new Product(
              PackedTernary.of(format, rows, 1, codes, 1),
              new QuantizedRows(1, 1),
              new Rows(1, rows));
      chunks.begin(new Product[] {product}, UNIT, 4, 6);
      assertEquals(0, chunks.firstRow(0, 0));
      assertEquals(rows, chunks.firstRow(0, chunks.chunks()));
      for (int c = 0; c < chunks.chunks(); c++) {
        int size = (chunks.firstRow(0, c + 1) - chunks.firstRow(0, c)) / UNIT;
        assertTrue(size >= 4 && size <= 6, units + " units: " + size);
      }
    }
  }
}
