package dev.tritium.kernel;

import java.util.Arrays;

/**
 * The row chunks of several products, numbered through so that one parallel phase covers them all.
 * The chunks of a product are alike, give or take a unit of rows, and as many as threads can share
 * evenly. Reused from call to call: a product allocates nothing.
 */
public final class RowChunks {
  private final TernaryFormat format;
  private final int threads;
  private int[] firstChunk = new int[4]; // [products + 1]
  private int[] units = new int[4]; // [product]
  private int products;
  private int unitRows;

  /** Chunks of weights in {@code format}, for so many threads. */
  public RowChunks(TernaryFormat format, int threads) {
    this.format = format;
    this.threads = threads;
  }

  /**
   * Checks the products' formats and gives each output the count of its input.
   *
   * @param unitRows what chunks are made of; padding counts as rows
   * @param minUnits of a chunk, where the weight has as many
   * @param maxUnits of a chunk; with minUnits it must split every number of units there can be, as
   *     2 minUnits - 1 does, and as 4 to 6 do with multiples of 4
   * @throws IllegalArgumentException if a weight is not in the format
   */
  public void begin(Product[] products, int unitRows, int minUnits, int maxUnits) {
    this.unitRows = unitRows;
    this.products = products.length;
    if (firstChunk.length <= products.length) {
      firstChunk = Arrays.copyOf(firstChunk, products.length + 1);
      units = Arrays.copyOf(units, products.length);
    }
    for (int p = 0; p < products.length; p++) {
      PackedTernary weight = products[p].weight();
      if (!weight.format().id().equals(format.id())) {
        throw new IllegalArgumentException(
            "the weight is packed as %s, the kernel reads %s"
                .formatted(weight.format().id(), format.id()));
      }
      products[p].output().setCount(products[p].input().count());
      units[p] = Math.ceilDiv(weight.rows(), format.rowAlignment()) * format.rowAlignment();
      units[p] = Math.ceilDiv(units[p], unitRows);
      firstChunk[p + 1] = firstChunk[p] + chunks(units[p], minUnits, maxUnits);
    }
  }

  private int chunks(int units, int minUnits, int maxUnits) {
    int fewest = Math.ceilDiv(units, maxUnits);
    int even = Math.ceilDiv(fewest, threads) * threads;
    return even * minUnits <= units ? even : fewest;
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

  /**
   * First row of a chunk of product {@code p}; that of the chunk after it is where it ends, which
   * may be in the padding.
   */
  public int firstRow(int p, int chunk) {
    int chunks = firstChunk[p + 1] - firstChunk[p];
    return (int) ((chunk - firstChunk[p]) * (long) units[p] / chunks) * unitRows;
  }
}
