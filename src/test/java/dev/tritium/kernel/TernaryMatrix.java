package dev.tritium.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.function.IntUnaryOperator;

/** A plain ternary matrix [rows, columns] for tests, with the naive product. */
final class TernaryMatrix {
  private final int rows;
  private final int columns;
  private final byte[][] codes; // [rows, columns]

  private TernaryMatrix(int rows, int columns, byte[][] codes) {
    this.rows = rows;
    this.columns = columns;
    this.codes = codes;
  }

  int rows() {
    return rows;
  }

  int columns() {
    return columns;
  }

  byte[] row(int row) {
    return codes[row];
  }

  /** A matrix whose code number i, row by row, is {@code code.applyAsInt(i)}. */
  static TernaryMatrix of(int rows, int columns, IntUnaryOperator code) {
    byte[][] codes = new byte[rows][columns];
    for (int i = 0; i < rows * columns; i++) {
      codes[i / columns][i % columns] = (byte) code.applyAsInt(i);
    }
    return new TernaryMatrix(rows, columns, codes);
  }

  static TernaryMatrix random(int rows, int columns, long seed) {
    Random random = new Random(seed);
    return of(rows, columns, i -> random.nextInt(3) - 1);
  }

  TernaryFormat.RowSource source() {
    return (row, to) -> System.arraycopy(codes[row], 0, to, 0, columns);
  }

  MemorySegment packed(TernaryFormat format) {
    MemorySegment target = Arena.ofAuto().allocate(format.packedBytes(rows, columns));
    target.fill((byte) 0xFF); // what packing leaves out would show
    format.pack(source(), columns, 0, rows, target);
    return target;
  }

  PackedTernary weight(TernaryFormat format, float scale) {
    return PackedTernary.of(format, rows, columns, packed(format), scale);
  }

  /** The integer sum of one row and one input row, in 64 bits. */
  long sum(int row, QuantizedRows input, int n) {
    long sum = 0;
    for (int c = 0; c < columns; c++) {
      sum += (long) codes[row][c] * input.values()[input.at(n) + c];
    }
    return sum;
  }

  /** Input rows whose value number i, row by row, is {@code q.applyAsInt(i)}; all scales 1. */
  static QuantizedRows inputs(int count, int width, IntUnaryOperator q) {
    QuantizedRows input = new QuantizedRows(count, width);
    for (int n = 0; n < count; n++) {
      input.setScale(n, 1);
      for (int j = 0; j < width; j++) {
        input.values()[input.at(n) + j] = (short) q.applyAsInt(n * width + j);
      }
    }
    return input;
  }

  static QuantizedRows randomInputs(int count, int width, long seed) {
    Random random = new Random(seed);
    QuantizedRows input = inputs(count, width, i -> random.nextInt(255) - 127);
    for (int n = 0; n < count; n++) {
      input.setScale(n, 1 + 300 * random.nextFloat());
    }
    return input;
  }
}
