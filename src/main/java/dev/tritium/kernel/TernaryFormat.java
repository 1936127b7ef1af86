package dev.tritium.kernel;

import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/** How a ternary matrix [rows, columns] lies in memory; the layouts are in docs/kernels.md. */
public interface TernaryFormat {

  /** Gives the codes of one row, each -1, 0 or +1; called from several threads. */
  @FunctionalInterface
  interface RowSource {
    /** Writes the codes of {@code row} to {@code codes[0, columns)}. */
    void read(int row, byte[] codes);
  }

  /** Short name that also stands in cache files, such as {@code T9}. */
  String id();

  /** Rows are padded to a multiple of this, and ranges to pack begin at multiples of it. */
  int rowAlignment();

  /** Bytes of a packed matrix, padding included. */
  long packedBytes(int rows, int columns);

  /**
   * Packs rows [firstRow, endRow) of a matrix of {@code columns} columns into {@code target}, which
   * holds the whole matrix. A range that ends at the matrix's last row writes the padding too.
   *
   * @param firstRow a multiple of {@link #rowAlignment}
   * @param endRow a multiple of {@link #rowAlignment}, or the number of rows
   * @throws IllegalArgumentException if the source gives a value other than -1, 0 or +1
   */
  void pack(RowSource source, int columns, int firstRow, int endRow, MemorySegment target);

  /**
   * Packs a whole matrix on all threads.
   *
   * @param sources makes a source for each range of rows, with scratch memory of its own
   */
  default void pack(
      Supplier<RowSource> sources, int rows, int columns, Workers workers, MemorySegment target) {
    int step = rowAlignment();
    workers.forEach(
        Math.ceilDiv(rows, step),
        (chunk, worker) ->
            pack(sources.get(), columns, chunk * step, Math.min(rows, (chunk + 1) * step), target));
  }

  /** Writes the codes of one row, -1, 0 or +1, to {@code codes[0, columns)}. */
  void unpackRow(MemorySegment packed, int columns, int row, byte[] codes);
}
