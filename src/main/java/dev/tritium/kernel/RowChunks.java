package dev.tritium.kernel;

import java.util.Arrays;

/**
 * The row chunks of several products, numbered through so that one parallel phase covers them all.
 * Reused from call to call: a product allocates nothing.
 */
public final class RowChunks {
  private final TernaryFormat format;
  private final int chunkRows;
  private int[] firstChunk = new int[4]; // [products + 1]
  private int products;

  /** Chunks of {@code chunkRows} rows of weights in {@code format}. */
  public RowChunks(TernaryFormat format, int chunkRows) {
    this.format = format;
    this.chunkRows = chunkRows;
  }

  /**
   * Checks the products' formats and gives each output the count of its input.
   *
   * @throws IllegalArgumentException if a weight is not in the format
   */
  public void begin(Product[] products) {
    this.products = products.length;
    if (firstChunk.length <= products.length) {
      firstChunk = Arrays.copyOf(firstChunk, products.length + 1);
    }
    for (int p = 0; p < products.length; p++) {
      PackedTernary weight = products[p].weight();
      if (!weight.format().id().equals(format.id())) {
        throw new IllegalArgumentException(
            "the weight is packed as %s, the kernel reads %s"
                .formatted(weight.format().id(), format.id()));
      }
      products[p].output().setCount(products[p].input().count());
      firstChunk[p + 1] = firstChunk[p] + Math.ceilDiv(weight.rows(), chunkRows);
    }
  }

  public int chunks() {
    return firstChunk[products];
  }

  /** Index of the product that a chunk belongs to. */
  public int productOf(int chunk) {
    int p = 0;
    while (chunk >= firstChunk[p + 1]) {
      p++;
    }
    return p;
  }

  /** First row of a chunk of product {@code p}. */
  public int firstRow(int p, int chunk) {
    return (chunk - firstChunk[p]) * chunkRows;
  }
}
