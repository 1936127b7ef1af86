package dev.tritium.engine;

/**
 * Counter-based random numbers: Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3" (SC 2011). The number for a step depends on the key and the counter alone, so there
 * is no generator state to keep, and every machine draws the same.
 */
final class Philox {
  private static final int ROUNDS = 10;
  private static final long M0 = 0xD2511F53L;
  private static final long M1 = 0xCD9E8D57L;
  private static final int W0 = 0x9E3779B9;
  private static final int W1 = 0xBB67AE85;
  private static final long MASK = 0xFFFFFFFFL;

  private final int[] block = new int[4]; // the last one, kept for its memory alone

  /**
   * A number in [0, 1) with 53 random bits.
   *
   * @param seed the key
   * @param choice and {@code step} are the counter
   */
  double uniform(long seed, int choice, long step) {
    block((int) step, (int) (step >>> 32), choice, 0, (int) seed, (int) (seed >>> 32), block);
    long bits = (block[0] & MASK) << 32 | (block[1] & MASK);
    return (bits >>> 11) * 0x1p-53;
  }

  /** Writes the four words of counter (c0..c3) under key (k0, k1). */
  static void block(int c0, int c1, int c2, int c3, int k0, int k1, int[] words) {
    for (int round = 0; round < ROUNDS; round++) {
      long p0 = M0 * (c0 & MASK);
      long p1 = M1 * (c2 & MASK);
      c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
      c1 = (int) p1;
      c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
      c3 = (int) p0;
      k0 += W0;
      k1 += W1;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
  }
}
