package dev.tritium.kernel;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A ternary weight [rows, columns] in a packed format, mapped or native.
 *
 * <p>Scales are in the multiply convention: weight value = code * scale.
 */
public record PackedTernary(
    TernaryFormat format, int rows, int columns, MemorySegment codes, List<RowScale> scales) {

  /** The scale of the rows up to {@code endRow}; fused matrices have one per part. */
  public record RowScale(int endRow, float scale) {}

  public PackedTernary {
    scales = List.copyOf(scales);
    if (codes.byteSize() != format.packedBytes(rows, columns)) {
      throw new IllegalArgumentException(
          "%s matrix [%d, %d] takes %d bytes, found %d"
              .formatted(
                  format.id(), rows, columns, format.packedBytes(rows, columns), codes.byteSize()));
    }
    if (scales.isEmpty() || scales.getLast().endRow() != rows) {
      throw new IllegalArgumentException("the last scale must end at row " + rows);
    }
    for (int i = 1; i < scales.size(); i++) {
      if (scales.get(i).endRow() <= scales.get(i - 1).endRow()) {
        throw new IllegalArgumentException("the scales' end rows must increase: " + scales);
      }
    }
  }

  /** A weight with one scale for all rows. */
  public static PackedTernary of(
      TernaryFormat format, int rows, int columns, MemorySegment codes, float scale) {
    return new PackedTernary(format, rows, columns, codes, List.of(new RowScale(rows, scale)));
  }
}
