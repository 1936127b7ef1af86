package dev.tritium.kernel;

/**
 * Activations quantised to int8, held as int16 rows [count, width] with one float scale per row.
 *
 * <p>Value q of row r stands for {@code q / scale(r)}, with q in [-127, 127]. Rows are padded with
 * zeros, so kernels may read {@link #stride} values of any row.
 */
public final class QuantizedRows {
  /** Kernels walk rows in chunks of 128 (T2) or groups of 9 (T9) and may read past the width. */
  private static final int PADDING = 128;

  private final int width;
  private final int stride;
  private short[] values; // [capacity, stride]
  private float[] scales; // [capacity]
  private int count;

  /** Rows of {@code width} values, with room for {@code capacity} of them. */
  public QuantizedRows(int capacity, int width) {
    this.width = width;
    this.stride = (width + 8 + PADDING - 1) / PADDING * PADDING;
    this.values = new short[Math.multiplyExact(capacity, stride)];
    this.scales = new float[capacity];
    this.count = capacity;
  }

  /** The backing array; row r is at [r * stride, r * stride + width). */
  public short[] values() {
    return values;
  }

  public int width() {
    return width;
  }

  /** Distance between rows: at least width + 8 and a multiple of 128. */
  public int stride() {
    return stride;
  }

  public int count() {
    return count;
  }

  /** Index of the first value of row {@code r}. */
  public int at(int r) {
    return r * stride;
  }

  /** 127 / max |y| of the row, the factor its floats were multiplied with. */
  public float scale(int r) {
    return scales[r];
  }

  public void setScale(int r, float scale) {
    scales[r] = scale;
  }

  /** Sets the number of rows in use; grows the arrays, losing their contents, when needed. */
  public void setCount(int count) {
    if (count > scales.length) {
      values = new short[Math.multiplyExact(count, stride)];
      scales = new float[count];
    }
    this.count = count;
  }
}
