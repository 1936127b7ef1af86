package dev.tritium.engine;

import dev.tritium.kernel.RowKernels;
import java.util.Arrays;

/**
 * The tokens of one row that may be drawn, in the order of their scores: greatest first, lower ids
 * first among equals. Nothing is sorted: how far the order goes until weights sum to a limit is
 * found by quickselect, in linear time.
 *
 * <p>The memory of one engine thread, used again for each row.
 */
final class Candidates {
  /** Lanes whose maxima are looked at for each token that is wanted. */
  private static final int LANES_PER_TOKEN = 4;

  private final int vocabulary;
  private final RowKernels rows;
  private final int[] ids; // [taken], ascending
  private final float[] scores; // [taken]
  private final float[] weights; // [taken]
  private final double[] blockSums;
  private final long[] keys; // [count]: what to order by, then the place in the arrays above
  private int taken;
  private int count;

  Candidates(int vocabulary, RowKernels rows) {
    this.vocabulary = vocabulary;
    this.rows = rows;
    this.ids = new int[vocabulary];
    this.scores = new float[vocabulary];
    this.weights = new float[vocabulary];
    this.blockSums = new double[Math.ceilDiv(vocabulary, RowKernels.BLOCK)];
    this.keys = new long[vocabulary];
  }

  /** Takes the tokens whose score in row[at, at + vocabulary) is {@code least} or greater. */
  void takeAtLeast(float[] row, int at, float least) {
    taken = rows.atLeast(row, at, least, ids, vocabulary);
    for (int place = 0; place < taken; place++) {
      scores[place] = row[at + ids[place]];
    }
    orderByScore(taken);
  }

  /** Takes the {@code k} tokens with the greatest scores in row[at, at + vocabulary), k > 0. */
  void takeBest(float[] row, int at, int k) {
    takeAtLeast(row, at, reachedBy(row, at, Math.min(k, vocabulary)));
    count = untilCount(k);
  }

  /** A score that at least {@code k} tokens reach, and seldom many more. */
  private float reachedBy(float[] row, int at, int k) {
    int lanes = Math.ceilDiv(LANES_PER_TOKEN * k, 64) * 64;
    if (lanes > vocabulary) {
      return Float.NEGATIVE_INFINITY;
    }
    rows.laneMaxima(row, at, vocabulary, scores, lanes);
    orderByScore(lanes);
    return scores[(int) keys[untilCount(k) - 1]];
  }

  /** The ids of the {@code k} tokens with the greatest scores, in their order. */
  int[] best(float[] row, int at, int k) {
    if (k == 0) {
      return new int[0];
    }
    takeBest(row, at, k);
    Arrays.sort(keys, 0, count);
    return Arrays.stream(keys, 0, count).mapToInt(key -> ids[(int) key]).toArray();
  }

  /** Gives each token the weight exp((score - max) * factor); 0 to those that are banned. */
  void weigh(float max, float factor) {
    rows.weigh(scores, 0, max, factor, weights, blockSums, taken);
  }

  /** The sum of the weights. */
  double total() {
    double total = 0;
    for (int i = 0; i < count; i++) {
      total += weights[(int) keys[i]];
    }
    return total;
  }

  /**
   * Keeps the tokens whose surprise is nearest to the entropy, until they weigh {@code p} of the
   * whole. A token's surprise is a constant less its exponent (score - max) * factor, and the
   * entropy that constant less the mean exponent, so that exponents are compared and no logarithms.
   */
  void keepTypical(double p, float max, float factor) {
    double total = total();
    double mean = 0;
    for (int i = 0; i < count; i++) {
      mean += weights[(int) keys[i]] / total * exponent((int) keys[i], max, factor);
    }
    for (int i = 0; i < count; i++) {
      int place = (int) keys[i];
      float distance = (float) Math.abs(exponent(place, max, factor) - mean);
      keys[i] = (long) Float.floatToRawIntBits(distance) << 32 | place;
    }
    count = until(p * total);
    for (int i = 0; i < count; i++) {
      keys[i] = scoreKey((int) keys[i]);
    }
  }

  private float exponent(int place, float max, float factor) {
    return Math.max((scores[place] - max) * factor, -87f); // as the weights' exp has it
  }

  /** Keeps the likeliest tokens until they weigh {@code limit}; at least one. */
  void keepLikeliest(double limit) {
    count = until(limit);
  }

  /** Keeps the tokens that weigh at least {@code share} of the heaviest, and more than nothing. */
  void keepAtLeast(double share) {
    float heaviest = 0;
    for (int i = 0; i < count; i++) {
      heaviest = Math.max(heaviest, weights[(int) keys[i]]);
    }
    int kept = 0;
    for (int i = 0; i < count; i++) {
      float weight = weights[(int) keys[i]];
      if (weight >= share * heaviest && weight > 0) {
        keys[kept++] = keys[i];
      }
    }
    count = kept;
  }

  /** The token at which the weights, likeliest first, sum to more than {@code uniform} of all. */
  int draw(double uniform) {
    int last = until(Math.nextUp(uniform * total())) - 1;
    return ids[(int) keys[last]];
  }

  private void orderByScore(int places) {
    count = places;
    for (int place = 0; place < places; place++) {
      keys[place] = scoreKey(place);
    }
  }

  /** Less for greater scores, and for lower places among equals. */
  private long scoreKey(int place) {
    int bits = Float.floatToRawIntBits(scores[place] + 0f); // -0 becomes +0: equals must be equal
    int ascending = bits ^ (bits >> 31 & 0x7fffffff);
    return (long) ~ascending << 32 | place;
  }

  private int untilCount(int k) {
    Arrays.fill(weights, 0, count, 1);
    return until(k);
  }

  /**
   * Moves the least keys to the front, the greatest of them last, until their weights sum to {@code
   * limit}, and returns how many that takes: at least 1, and all if they never do.
   */
  private int until(double limit) {
    int from = 0;
    int to = count;
    double before = 0; // the weight of keys[0, from)
    while (to - from > 1) {
      int middle = partition(from, to);
      double sum = before;
      for (int i = from; i < middle; i++) {
        sum += weights[(int) keys[i]];
      }
      if (sum >= limit) {
        to = middle;
      } else {
        before = sum;
        from = middle;
      }
    }
    return to;
  }

  /** Splits keys[from, to) in two, neither empty: none on the left is greater than any right. */
  private int partition(int from, int to) {
    long pivot = median(keys[from], keys[(from + to) >>> 1], keys[to - 1]);
    int left = from;
    int right = to - 1;
    while (true) {
      while (keys[left] < pivot) {
        left++;
      }
      while (keys[right] > pivot) {
        right--;
      }
      if (left >= right) {
        return Math.max(left, from + 1);
      }
      long swapped = keys[left];
      keys[left++] = keys[right];
      keys[right--] = swapped;
    }
  }

  private static long median(long a, long b, long c) {
    return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  }
}
