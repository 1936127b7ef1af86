package dev.tritium.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.testing.Seeded;
import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CandidatesTest {
  private static final float[] SPECIAL = {
    0f,
    -0f,
    1f,
    -1f,
    Float.MIN_VALUE,
    -Float.MIN_VALUE,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY
  };

  /** The definition: a stable sort, in which -0 and +0 are equal. */
  private static int[] sorted(float[] x, int at, int n, int k) {
    return IntStream.range(0, n)
        .boxed()
        .sorted(Comparator.comparingDouble(id -> -(x[at + id] + 0.0)))
        .limit(k)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  @Test
  void theGreatestComeFirstAndLowerIdsFirstAmongEquals() {
    Seeded.check(
        2_000,
        random -> {
          int at = random.nextInt(4);
          // From 64 on, a threshold is looked for first.
          int n = random.nextBoolean() ? 1 + random.nextInt(20) : 60 + random.nextInt(300);
          float[] x = values(random, at + n + 3);
          for (int k : new int[] {0, 1, Math.min(2, n), random.nextInt(n + 1), n}) {
            assertArrayEquals(
                sorted(x, at, n, k),
                new Candidates(n, new ScalarRowKernels()).best(x, at, k),
                () -> "k %d of [%d, +%d) of %s".formatted(k, at, n, Arrays.toString(x)));
          }
        });
  }

  private static float[] values(SplittableRandom random, int n) {
    int kind = random.nextInt(3);
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] =
          switch (kind) {
            case 0 -> SPECIAL[random.nextInt(SPECIAL.length)];
            case 1 -> random.nextInt(4); // many ties
            default -> (float) (random.nextDouble() - 0.5);
          };
    }
    return x;
  }
}
