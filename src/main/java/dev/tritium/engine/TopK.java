package dev.tritium.engine;

import java.util.Arrays;

/** Selects the greatest values of a row, greatest first, lower indexes first among equals. */
final class TopK {
  /** Up to here, keeping a short sorted list beats sorting everything. */
  private static final int INSERTION_LIMIT = 256;

  private TopK() {}

  /** Indexes, relative to {@code at}, of the {@code k} greatest of x[at, at + n). */
  static int[] select(float[] x, int at, int n, int k) {
    return k <= INSERTION_LIMIT ? byInsertion(x, at, n, k) : bySorting(x, at, n, k);
  }

  private static int[] byInsertion(float[] x, int at, int n, int k) {
    int[] ids = new int[k];
    float[] values = new float[k];
    int size = 0;
    for (int id = 0; id < n && k > 0; id++) {
      float value = x[at + id];
      if (size == k && !(value > values[k - 1])) {
        continue;
      }
      int place = size;
      while (place > 0 && value > values[place - 1]) {
        place--;
      }
      size = Math.min(size + 1, k);
      System.arraycopy(values, place, values, place + 1, size - 1 - place);
      System.arraycopy(ids, place, ids, place + 1, size - 1 - place);
      values[place] = value;
      ids[place] = id;
    }
    return ids;
  }

  private static int[] bySorting(float[] x, int at, int n, int k) {
    long[] keys = new long[n];
    for (int id = 0; id < n; id++) {
      keys[id] = (long) ~sortable(x[at + id]) << 32 | id;
    }
    Arrays.sort(keys);
    int[] ids = new int[k];
    for (int i = 0; i < k; i++) {
      ids[i] = (int) keys[i];
    }
    return ids;
  }

  /** An int that sorts as the float does. */
  private static int sortable(float value) {
    int bits = Float.floatToIntBits(value + 0f); // -0 becomes +0: equal values must sort equal
    return bits ^ (bits >> 31 & 0x7fffffff);
  }
}
