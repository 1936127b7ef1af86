package dev.tritium.kernel;

import java.util.Arrays;

/** The definition of the ternary product in plain loops, for any format. */
public final class ScalarKernels implements TernaryKernels {
  private static final int CHUNK_ROWS = 64;

  private final TernaryFormat format;
  private final Workers workers;
  private final byte[][] codes; // [worker][columns], grown on demand

  public ScalarKernels(TernaryFormat format, Workers workers) {
    this.format = format;
    this.workers = workers;
    this.codes = new byte[workers.size()][0];
  }

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public int vectorBits() {
    return 0;
  }

  @Override
  public TernaryFormat format() {
    return format;
  }

  @Override
  public boolean supported() {
    return true;
  }

  @Override
  public void multiply(Product... products) {
    Phase phase = Phase.begin(products, format, CHUNK_ROWS);
    workers.forEach(
        phase.chunks(),
        (chunk, worker) -> {
          int p = phase.productOf(chunk);
          Product product = products[p];
          int first = phase.firstRow(p, chunk);
          int end = Math.min(first + CHUNK_ROWS, product.weight().rows());
          for (int row = first; row < end; row++) {
            multiplyRow(product, row, worker);
          }
        });
  }

  private void multiplyRow(Product product, int row, int worker) {
    PackedTernary weight = product.weight();
    QuantizedRows input = product.input();
    Rows output = product.output();
    int columns = weight.columns();
    if (codes[worker].length < columns) {
      codes[worker] = Arrays.copyOf(codes[worker], columns);
    }
    byte[] c = codes[worker];
    format.unpackRow(weight.codes(), columns, row, c);
    float rowScale = weight.scaleOf(row);
    for (int n = 0; n < input.count(); n++) {
      int sum = dot(c, input.values(), input.at(n), columns);
      output.values()[output.at(n) + row] = (float) sum * (rowScale / input.scale(n));
    }
  }

  private static int dot(byte[] codes, short[] q, int at, int columns) {
    int sum = 0;
    for (int j = 0; j < columns; j++) {
      sum += codes[j] * q[at + j];
    }
    return sum;
  }
}
