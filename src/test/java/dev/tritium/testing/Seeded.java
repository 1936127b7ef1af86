package dev.tritium.testing;

import java.util.SplittableRandom;

/** Runs a property on random inputs; a failure names the seed to run it again with. */
public final class Seeded {
  private static final long SEED = Long.getLong("test.seed", 20_261_123L);

  /** One case of a property. */
  public interface Property {
    void hold(SplittableRandom random);
  }

  private static final boolean ALL = Boolean.getBoolean("test.all");

  private Seeded() {}

  /** How many cases of a long test to run: all where the profile contract is on, else a fifth. */
  public static int cases(int all) {
    return ALL ? all : all / 5;
  }

  /** Runs the property on this many random inputs. */
  public static void check(int cases, Property property) {
    check(0, cases, property);
  }

  /** The same, on a part of the inputs. */
  public static void check(int first, int cases, Property property) {
    for (int i = first; i < first + cases; i++) {
      long seed = SEED + i;
      try {
        property.hold(new SplittableRandom(seed));
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError(
            "case %d, run again with -Dtest.seed=%d: %s".formatted(i, seed, e), e);
      }
    }
  }
}
