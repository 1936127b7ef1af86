package dev.tritium.kernel;

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
}
