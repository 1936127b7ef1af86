package dev.tritium.kernel;

/**
 * Float rows [count, width] in one array, of which the first {@code count} are in use.
 *
 * <p>A model allocates its rows once for its largest batch and sets the count before each call.
 */
public final class Rows {
  private final int width;
  private float[] values; // [capacity, width]
  private int count;

  /** Rows of {@code width} floats, with room for {@code capacity} of them. */
  public Rows(int capacity, int width) {
    this.width = width;
    this.values = new float[Math.multiplyExact(capacity, width)];
    this.count = capacity;
  }

  /** The backing array; row r is at [r * width, (r + 1) * width). */
  public float[] values() {
    return values;
  }

  public int width() {
    return width;
  }

  public int count() {
    return count;
  }

  /** Index of the first value of row {@code r}. */
  public int at(int r) {
    return r * width;
  }

  /** Sets the number of rows in use; grows the array, losing its contents, when they do not fit. */
  public void setCount(int count) {
    if (Math.multiplyExact(count, width) > values.length) {
      values = new float[count * width];
    }
    this.count = count;
  }
}
