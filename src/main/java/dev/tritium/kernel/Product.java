package dev.tritium.kernel;

import java.util.List;

/**
 * One ternary matrix product: output [n, rows] = input [n, columns] x weight^T, each output being
 * {@code (float) integerSum * (weightScale / inputScale)}.
 *
 * <p>n is the input's count at the time of the call; the kernel sets the output's count to it.
 */
public record Product(PackedTernary weight, QuantizedRows input, Rows output) {
  public Product {
    if (input.width() != weight.columns() || output.width() != weight.rows()) {
      throw new IllegalArgumentException(
          "weight [%d, %d] does not fit input rows of %d and output rows of %d"
              .formatted(weight.rows(), weight.columns(), input.width(), output.width()));
    }
  }

  /**
   * Writes the outputs [firstRow, endRow) of sequence {@code n}, whose integer sums begin at {@code
   * sums[at]}. Every kernel ends here, so that all round alike.
   */
  public void store(int n, int firstRow, int endRow, int[] sums, int at) {
    float[] out = output.values();
    int row = firstRow;
    List<PackedTernary.RowScale> scales = weight.scales();
    for (int i = 0; row < endRow; i++) { // by index: an iterator might be allocated
      PackedTernary.RowScale part = scales.get(i);
      float scale = part.scale() / input.scale(n);
      for (int end = Math.min(endRow, part.endRow()); row < end; row++) {
        out[output.at(n) + row] = (float) sums[at + row - firstRow] * scale;
      }
    }
  }
}
