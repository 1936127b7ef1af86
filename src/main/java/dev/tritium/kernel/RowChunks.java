package dev.tritium.kernel;

/**
 * The row chunks of several products, numbered through so that one parallel phase covers them all.
 */
public final class RowChunks {
  private final int[] firstChunk; // [products + 1]
  private final int chunkRows;

  private RowChunks(int[] firstChunk, int chunkRows) {
    this.firstChunk = firstChunk;
    this.chunkRows = chunkRows;
  }

  /**
   * Checks the products' formats and gives each output the count of its input.
   *
   * @throws IllegalArgumentException if a weight is not in {@code format}
   */
  public static RowChunks begin(Product[] products, TernaryFormat format, int chunkRows) {
    int[] firstChunk = new int[products.length + 1];
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
    return new RowChunks(firstChunk, chunkRows);
  }

  public int chunks() {
    return firstChunk[firstChunk.length - 1];
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
