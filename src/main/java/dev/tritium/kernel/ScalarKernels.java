package dev.tritium.kernel;

/** The definition of the ternary product in plain loops, for any format. */
public final class ScalarKernels implements TernaryKernels {
  private static final int CHUNK_ROWS = 64;

  private final TernaryFormat format;
  private final Workers workers;
  private final byte[][] codes; // [worker][columns], grown on demand
  private final int[][] sum; // [worker][1]
  private final RowChunks rows;
  private final Workers.Task rowsTask = this::multiplyRows;
  private Product[] products = {}; // of the running call

  public ScalarKernels(TernaryFormat format, Workers workers) {
    this.format = format;
    this.rows = new RowChunks(format, workers.size());
    this.workers = workers;
    this.codes = new byte[workers.size()][0];
    this.sum = new int[workers.size()][1];
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
    rows.begin(products, CHUNK_ROWS, 1, 1);
    this.products = products;
    workers.forEach(rows.chunks(), rowsTask);
  }

  private void multiplyRows(int chunk, int worker) {
    int p = rows.productOf(chunk);
    Product product = products[p];
    int first = rows.firstRow(p, chunk);
    int end = Math.min(first + CHUNK_ROWS, product.weight().rows());
    if (codes[worker].length < product.weight().columns()) {
      codes[worker] = new byte[product.weight().columns()];
    }
    for (int row = first; row < end; row++) {
      multiplyRow(product, row, codes[worker], sum[worker]);
    }
  }

  private void multiplyRow(Product product, int row, byte[] codes, int[] sum) {
    PackedTernary weight = product.weight();
    QuantizedRows input = product.input();
    format.unpackRow(weight.codes(), weight.columns(), row, codes);
    for (int n = 0; n < input.count(); n++) {
      sum[0] = dot(codes, input.values(), input.at(n), weight.columns());
      product.store(n, row, row + 1, sum, 0);
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
