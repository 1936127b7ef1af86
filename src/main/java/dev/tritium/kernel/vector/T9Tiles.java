package dev.tritium.kernel.vector;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The inner loops of {@link T9Kernels} for up to a few sequences: each a small method, which C2
 * compiles whole with its sums in registers.
 *
 * <p>The tiles of several sequences have the code of the word as their outer loop: inside, C2 would
 * unroll it and spill the sums. Their tables are [code][group][sequence][32], where the single
 * sequence's are [group][code][32].
 */
final class T9Tiles {
  private static final VectorSpecies<Short> S = ShortVector.SPECIES_512;
  private static final VectorSpecies<Integer> I = IntVector.SPECIES_512;
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

  /** Rows of a vector, and entries of a table. */
  static final int LANES = 32;

  /** One group adds at most 9 * 127 = 1143 to an int16 sum; 28 * 1143 = 32004 still fits. */
  static final int MAX_GROUPS = 28;

  // Constants are kept as arrays and loaded: vectors in static fields would be boxed objects.
  private static final short[] FIVES = new short[LANES];
  private static final short[] SHIFTS = new short[3 * LANES]; // 0, 5, 10
  private static final short[] TRITS = new short[3 * LANES]; // of entry e: first, second, third

  static {
    Arrays.fill(FIVES, (short) 5);
    for (int e = 0; e < LANES; e++) {
      SHIFTS[LANES + e] = 5;
      SHIFTS[2 * LANES + e] = 10;
    }
    for (int e = 0; e < 27; e++) {
      TRITS[e] = (short) (e % 3 - 1);
      TRITS[LANES + e] = (short) (e / 3 % 3 - 1);
      TRITS[2 * LANES + e] = (short) (e / 9 - 1);
    }
  }

  private T9Tiles() {}

  /** Groups of a tile, so that all tiles of a weight of {@code groups} are alike. */
  static int groups(int groups) {
    return Math.ceilDiv(groups, Math.ceilDiv(groups, MAX_GROUPS));
  }

  /**
   * Tables of {@code n} triples of activations, {@code step} apart; written {@code toStep} apart.
   */
  static void build(short[] q, int at, int n, int step, short[] table, int to, int toStep) {
    ShortVector p0 = ShortVector.fromArray(S, TRITS, 0);
    ShortVector p1 = ShortVector.fromArray(S, TRITS, LANES);
    ShortVector p2 = ShortVector.fromArray(S, TRITS, 2 * LANES);
    for (int k = 0; k < n; k++) {
      int x = at + k * step;
      p0.mul(q[x]).add(p1.mul(q[x + 1])).add(p2.mul(q[x + 2])).intoArray(table, to + k * toStep);
    }
  }

  /**
   * Int16 sums of 6 blocks times one sequence, to acc[384].
   *
   * <p>The byte offset is the loop variable and the three look-ups are written out: an inner loop
   * or computed addresses leave bounds checks in the body and cost a fifth of the speed. Pairs of
   * cache lines out of six memory streams are what prefetchers follow best.
   *
   * @param at offset of the first block's first group in this tile
   * @param bs bytes from block to block
   * @param l index of the tile's first table
   */
  static void dot6(MemorySegment w, long at, long bs, short[] lut, int l, int groups, short[] acc) {
    ShortVector five = ShortVector.fromArray(S, FIVES, 0);
    ShortVector a0 = ShortVector.zero(S);
    ShortVector a1 = a0;
    ShortVector a2 = a0;
    ShortVector a3 = a0;
    ShortVector a4 = a0;
    ShortVector a5 = a0;
    ShortVector a6 = a0;
    ShortVector a7 = a0;
    ShortVector a8 = a0;
    ShortVector a9 = a0;
    ShortVector a10 = a0;
    ShortVector a11 = a0;
    long end = at + groups * 128L;
    for (long p = at; p < end; p += 128, l += 96) {
      ShortVector w0 = ShortVector.fromMemorySegment(S, w, p, LE);
      ShortVector w1 = ShortVector.fromMemorySegment(S, w, p + 64, LE);
      ShortVector w2 = ShortVector.fromMemorySegment(S, w, p + bs, LE);
      ShortVector w3 = ShortVector.fromMemorySegment(S, w, p + bs + 64, LE);
      ShortVector w4 = ShortVector.fromMemorySegment(S, w, p + 2 * bs, LE);
      ShortVector w5 = ShortVector.fromMemorySegment(S, w, p + 2 * bs + 64, LE);
      ShortVector w6 = ShortVector.fromMemorySegment(S, w, p + 3 * bs, LE);
      ShortVector w7 = ShortVector.fromMemorySegment(S, w, p + 3 * bs + 64, LE);
      ShortVector w8 = ShortVector.fromMemorySegment(S, w, p + 4 * bs, LE);
      ShortVector w9 = ShortVector.fromMemorySegment(S, w, p + 4 * bs + 64, LE);
      ShortVector w10 = ShortVector.fromMemorySegment(S, w, p + 5 * bs, LE);
      ShortVector w11 = ShortVector.fromMemorySegment(S, w, p + 5 * bs + 64, LE);
      ShortVector t = ShortVector.fromArray(S, lut, l);
      a0 = a0.add(w0.selectFrom(t));
      a1 = a1.add(w1.selectFrom(t));
      a2 = a2.add(w2.selectFrom(t));
      a3 = a3.add(w3.selectFrom(t));
      a4 = a4.add(w4.selectFrom(t));
      a5 = a5.add(w5.selectFrom(t));
      a6 = a6.add(w6.selectFrom(t));
      a7 = a7.add(w7.selectFrom(t));
      a8 = a8.add(w8.selectFrom(t));
      a9 = a9.add(w9.selectFrom(t));
      a10 = a10.add(w10.selectFrom(t));
      a11 = a11.add(w11.selectFrom(t));
      w0 = w0.lanewise(VectorOperators.LSHR, five);
      w1 = w1.lanewise(VectorOperators.LSHR, five);
      w2 = w2.lanewise(VectorOperators.LSHR, five);
      w3 = w3.lanewise(VectorOperators.LSHR, five);
      w4 = w4.lanewise(VectorOperators.LSHR, five);
      w5 = w5.lanewise(VectorOperators.LSHR, five);
      w6 = w6.lanewise(VectorOperators.LSHR, five);
      w7 = w7.lanewise(VectorOperators.LSHR, five);
      w8 = w8.lanewise(VectorOperators.LSHR, five);
      w9 = w9.lanewise(VectorOperators.LSHR, five);
      w10 = w10.lanewise(VectorOperators.LSHR, five);
      w11 = w11.lanewise(VectorOperators.LSHR, five);
      t = ShortVector.fromArray(S, lut, l + 32);
      a0 = a0.add(w0.selectFrom(t));
      a1 = a1.add(w1.selectFrom(t));
      a2 = a2.add(w2.selectFrom(t));
      a3 = a3.add(w3.selectFrom(t));
      a4 = a4.add(w4.selectFrom(t));
      a5 = a5.add(w5.selectFrom(t));
      a6 = a6.add(w6.selectFrom(t));
      a7 = a7.add(w7.selectFrom(t));
      a8 = a8.add(w8.selectFrom(t));
      a9 = a9.add(w9.selectFrom(t));
      a10 = a10.add(w10.selectFrom(t));
      a11 = a11.add(w11.selectFrom(t));
      w0 = w0.lanewise(VectorOperators.LSHR, five);
      w1 = w1.lanewise(VectorOperators.LSHR, five);
      w2 = w2.lanewise(VectorOperators.LSHR, five);
      w3 = w3.lanewise(VectorOperators.LSHR, five);
      w4 = w4.lanewise(VectorOperators.LSHR, five);
      w5 = w5.lanewise(VectorOperators.LSHR, five);
      w6 = w6.lanewise(VectorOperators.LSHR, five);
      w7 = w7.lanewise(VectorOperators.LSHR, five);
      w8 = w8.lanewise(VectorOperators.LSHR, five);
      w9 = w9.lanewise(VectorOperators.LSHR, five);
      w10 = w10.lanewise(VectorOperators.LSHR, five);
      w11 = w11.lanewise(VectorOperators.LSHR, five);
      t = ShortVector.fromArray(S, lut, l + 64);
      a0 = a0.add(w0.selectFrom(t));
      a1 = a1.add(w1.selectFrom(t));
      a2 = a2.add(w2.selectFrom(t));
      a3 = a3.add(w3.selectFrom(t));
      a4 = a4.add(w4.selectFrom(t));
      a5 = a5.add(w5.selectFrom(t));
      a6 = a6.add(w6.selectFrom(t));
      a7 = a7.add(w7.selectFrom(t));
      a8 = a8.add(w8.selectFrom(t));
      a9 = a9.add(w9.selectFrom(t));
      a10 = a10.add(w10.selectFrom(t));
      a11 = a11.add(w11.selectFrom(t));
    }
    a0.intoArray(acc, 0);
    a1.intoArray(acc, 32);
    a2.intoArray(acc, 64);
    a3.intoArray(acc, 96);
    a4.intoArray(acc, 128);
    a5.intoArray(acc, 160);
    a6.intoArray(acc, 192);
    a7.intoArray(acc, 224);
    a8.intoArray(acc, 256);
    a9.intoArray(acc, 288);
    a10.intoArray(acc, 320);
    a11.intoArray(acc, 352);
  }

  /** The same for 5 blocks, to acc[320]. */
  static void dot5(MemorySegment w, long at, long bs, short[] lut, int l, int groups, short[] acc) {
    ShortVector five = ShortVector.fromArray(S, FIVES, 0);
    ShortVector a0 = ShortVector.zero(S);
    ShortVector a1 = a0;
    ShortVector a2 = a0;
    ShortVector a3 = a0;
    ShortVector a4 = a0;
    ShortVector a5 = a0;
    ShortVector a6 = a0;
    ShortVector a7 = a0;
    ShortVector a8 = a0;
    ShortVector a9 = a0;
    long end = at + groups * 128L;
    for (long p = at; p < end; p += 128, l += 96) {
      ShortVector w0 = ShortVector.fromMemorySegment(S, w, p, LE);
      ShortVector w1 = ShortVector.fromMemorySegment(S, w, p + 64, LE);
      ShortVector w2 = ShortVector.fromMemorySegment(S, w, p + bs, LE);
      ShortVector w3 = ShortVector.fromMemorySegment(S, w, p + bs + 64, LE);
      ShortVector w4 = ShortVector.fromMemorySegment(S, w, p + 2 * bs, LE);
      ShortVector w5 = ShortVector.fromMemorySegment(S, w, p + 2 * bs + 64, LE);
      ShortVector w6 = ShortVector.fromMemorySegment(S, w, p + 3 * bs, LE);
      ShortVector w7 = ShortVector.fromMemorySegment(S, w, p + 3 * bs + 64, LE);
      ShortVector w8 = ShortVector.fromMemorySegment(S, w, p + 4 * bs, LE);
      ShortVector w9 = ShortVector.fromMemorySegment(S, w, p + 4 * bs + 64, LE);
      ShortVector t = ShortVector.fromArray(S, lut, l);
      a0 = a0.add(w0.selectFrom(t));
      a1 = a1.add(w1.selectFrom(t));
      a2 = a2.add(w2.selectFrom(t));
      a3 = a3.add(w3.selectFrom(t));
      a4 = a4.add(w4.selectFrom(t));
      a5 = a5.add(w5.selectFrom(t));
      a6 = a6.add(w6.selectFrom(t));
      a7 = a7.add(w7.selectFrom(t));
      a8 = a8.add(w8.selectFrom(t));
      a9 = a9.add(w9.selectFrom(t));
      w0 = w0.lanewise(VectorOperators.LSHR, five);
      w1 = w1.lanewise(VectorOperators.LSHR, five);
      w2 = w2.lanewise(VectorOperators.LSHR, five);
      w3 = w3.lanewise(VectorOperators.LSHR, five);
      w4 = w4.lanewise(VectorOperators.LSHR, five);
      w5 = w5.lanewise(VectorOperators.LSHR, five);
      w6 = w6.lanewise(VectorOperators.LSHR, five);
      w7 = w7.lanewise(VectorOperators.LSHR, five);
      w8 = w8.lanewise(VectorOperators.LSHR, five);
      w9 = w9.lanewise(VectorOperators.LSHR, five);
      t = ShortVector.fromArray(S, lut, l + 32);
      a0 = a0.add(w0.selectFrom(t));
      a1 = a1.add(w1.selectFrom(t));
      a2 = a2.add(w2.selectFrom(t));
      a3 = a3.add(w3.selectFrom(t));
      a4 = a4.add(w4.selectFrom(t));
      a5 = a5.add(w5.selectFrom(t));
      a6 = a6.add(w6.selectFrom(t));
      a7 = a7.add(w7.selectFrom(t));
      a8 = a8.add(w8.selectFrom(t));
      a9 = a9.add(w9.selectFrom(t));
      w0 = w0.lanewise(VectorOperators.LSHR, five);
      w1 = w1.lanewise(VectorOperators.LSHR, five);
      w2 = w2.lanewise(VectorOperators.LSHR, five);
      w3 = w3.lanewise(VectorOperators.LSHR, five);
      w4 = w4.lanewise(VectorOperators.LSHR, five);
      w5 = w5.lanewise(VectorOperators.LSHR, five);
      w6 = w6.lanewise(VectorOperators.LSHR, five);
      w7 = w7.lanewise(VectorOperators.LSHR, five);
      w8 = w8.lanewise(VectorOperators.LSHR, five);
      w9 = w9.lanewise(VectorOperators.LSHR, five);
      t = ShortVector.fromArray(S, lut, l + 64);
      a0 = a0.add(w0.selectFrom(t));
      a1 = a1.add(w1.selectFrom(t));
      a2 = a2.add(w2.selectFrom(t));
      a3 = a3.add(w3.selectFrom(t));
      a4 = a4.add(w4.selectFrom(t));
      a5 = a5.add(w5.selectFrom(t));
      a6 = a6.add(w6.selectFrom(t));
      a7 = a7.add(w7.selectFrom(t));
      a8 = a8.add(w8.selectFrom(t));
      a9 = a9.add(w9.selectFrom(t));
    }
    a0.intoArray(acc, 0);
    a1.intoArray(acc, 32);
    a2.intoArray(acc, 64);
    a3.intoArray(acc, 96);
    a4.intoArray(acc, 128);
    a5.intoArray(acc, 160);
    a6.intoArray(acc, 192);
    a7.intoArray(acc, 224);
    a8.intoArray(acc, 256);
    a9.intoArray(acc, 288);
  }

  /** Int16 sums of 4 blocks times one sequence, to acc[256]; as {@link #dot6}. */
  static void dot4(MemorySegment w, long at, long bs, short[] lut, int l, int groups, short[] acc) {
    ShortVector five = ShortVector.fromArray(S, FIVES, 0);
    ShortVector a0 = ShortVector.zero(S);
    ShortVector a1 = a0;
    ShortVector a2 = a0;
    ShortVector a3 = a0;
    ShortVector a4 = a0;
    ShortVector a5 = a0;
    ShortVector a6 = a0;
    ShortVector a7 = a0;
    long end = at + groups * 128L;
    for (long p = at; p < end; p += 128, l += 96) {
      ShortVector w0 = ShortVector.fromMemorySegment(S, w, p, LE);
      ShortVector w1 = ShortVector.fromMemorySegment(S, w, p + 64, LE);
      ShortVector w2 = ShortVector.fromMemorySegment(S, w, p + bs, LE);
      ShortVector w3 = ShortVector.fromMemorySegment(S, w, p + bs + 64, LE);
      ShortVector w4 = ShortVector.fromMemorySegment(S, w, p + 2 * bs, LE);
      ShortVector w5 = ShortVector.fromMemorySegment(S, w, p + 2 * bs + 64, LE);
      ShortVector w6 = ShortVector.fromMemorySegment(S, w, p + 3 * bs, LE);
      ShortVector w7 = ShortVector.fromMemorySegment(S, w, p + 3 * bs + 64, LE);
      ShortVector t = ShortVector.fromArray(S, lut, l);
      a0 = a0.add(w0.selectFrom(t));
      a1 = a1.add(w1.selectFrom(t));
      a2 = a2.add(w2.selectFrom(t));
      a3 = a3.add(w3.selectFrom(t));
      a4 = a4.add(w4.selectFrom(t));
      a5 = a5.add(w5.selectFrom(t));
      a6 = a6.add(w6.selectFrom(t));
      a7 = a7.add(w7.selectFrom(t));
      w0 = w0.lanewise(VectorOperators.LSHR, five);
      w1 = w1.lanewise(VectorOperators.LSHR, five);
      w2 = w2.lanewise(VectorOperators.LSHR, five);
      w3 = w3.lanewise(VectorOperators.LSHR, five);
      w4 = w4.lanewise(VectorOperators.LSHR, five);
      w5 = w5.lanewise(VectorOperators.LSHR, five);
      w6 = w6.lanewise(VectorOperators.LSHR, five);
      w7 = w7.lanewise(VectorOperators.LSHR, five);
      t = ShortVector.fromArray(S, lut, l + 32);
      a0 = a0.add(w0.selectFrom(t));
      a1 = a1.add(w1.selectFrom(t));
      a2 = a2.add(w2.selectFrom(t));
      a3 = a3.add(w3.selectFrom(t));
      a4 = a4.add(w4.selectFrom(t));
      a5 = a5.add(w5.selectFrom(t));
      a6 = a6.add(w6.selectFrom(t));
      a7 = a7.add(w7.selectFrom(t));
      w0 = w0.lanewise(VectorOperators.LSHR, five);
      w1 = w1.lanewise(VectorOperators.LSHR, five);
      w2 = w2.lanewise(VectorOperators.LSHR, five);
      w3 = w3.lanewise(VectorOperators.LSHR, five);
      w4 = w4.lanewise(VectorOperators.LSHR, five);
      w5 = w5.lanewise(VectorOperators.LSHR, five);
      w6 = w6.lanewise(VectorOperators.LSHR, five);
      w7 = w7.lanewise(VectorOperators.LSHR, five);
      t = ShortVector.fromArray(S, lut, l + 64);
      a0 = a0.add(w0.selectFrom(t));
      a1 = a1.add(w1.selectFrom(t));
      a2 = a2.add(w2.selectFrom(t));
      a3 = a3.add(w3.selectFrom(t));
      a4 = a4.add(w4.selectFrom(t));
      a5 = a5.add(w5.selectFrom(t));
      a6 = a6.add(w6.selectFrom(t));
      a7 = a7.add(w7.selectFrom(t));
    }
    a0.intoArray(acc, 0);
    a1.intoArray(acc, 32);
    a2.intoArray(acc, 64);
    a3.intoArray(acc, 96);
    a4.intoArray(acc, 128);
    a5.intoArray(acc, 160);
    a6.intoArray(acc, 192);
    a7.intoArray(acc, 224);
  }

  /** Int16 sums of 4 row vectors, one of each block, times 4 sequences, to acc[4, 128]. */
  static void dot4x4(
      MemorySegment w, long at, long bs, short[] lut, int l, int groups, short[] acc) {
    ShortVector a00 = ShortVector.zero(S);
    ShortVector a10 = a00;
    ShortVector a20 = a00;
    ShortVector a30 = a00;
    ShortVector a01 = a00;
    ShortVector a11 = a00;
    ShortVector a21 = a00;
    ShortVector a31 = a00;
    ShortVector a02 = a00;
    ShortVector a12 = a00;
    ShortVector a22 = a00;
    ShortVector a32 = a00;
    ShortVector a03 = a00;
    ShortVector a13 = a00;
    ShortVector a23 = a00;
    ShortVector a33 = a00;
    for (int i = 0; i < 3; i++) {
      ShortVector shift = ShortVector.fromArray(S, SHIFTS, 32 * i);
      int table = l + i * groups * 128;
      for (int g = 0; g < groups; g++) {
        long p = at + g * 128L;
        ShortVector w0 =
            ShortVector.fromMemorySegment(S, w, p, LE).lanewise(VectorOperators.LSHR, shift);
        ShortVector w1 =
            ShortVector.fromMemorySegment(S, w, p + bs, LE).lanewise(VectorOperators.LSHR, shift);
        ShortVector w2 =
            ShortVector.fromMemorySegment(S, w, p + 2 * bs, LE)
                .lanewise(VectorOperators.LSHR, shift);
        ShortVector w3 =
            ShortVector.fromMemorySegment(S, w, p + 3 * bs, LE)
                .lanewise(VectorOperators.LSHR, shift);
        ShortVector t = ShortVector.fromArray(S, lut, table + g * 128);
        a00 = a00.add(w0.selectFrom(t));
        a10 = a10.add(w1.selectFrom(t));
        a20 = a20.add(w2.selectFrom(t));
        a30 = a30.add(w3.selectFrom(t));
        t = ShortVector.fromArray(S, lut, table + g * 128 + 32);
        a01 = a01.add(w0.selectFrom(t));
        a11 = a11.add(w1.selectFrom(t));
        a21 = a21.add(w2.selectFrom(t));
        a31 = a31.add(w3.selectFrom(t));
        t = ShortVector.fromArray(S, lut, table + g * 128 + 64);
        a02 = a02.add(w0.selectFrom(t));
        a12 = a12.add(w1.selectFrom(t));
        a22 = a22.add(w2.selectFrom(t));
        a32 = a32.add(w3.selectFrom(t));
        t = ShortVector.fromArray(S, lut, table + g * 128 + 96);
        a03 = a03.add(w0.selectFrom(t));
        a13 = a13.add(w1.selectFrom(t));
        a23 = a23.add(w2.selectFrom(t));
        a33 = a33.add(w3.selectFrom(t));
      }
    }
    a00.intoArray(acc, 0);
    a10.intoArray(acc, 32);
    a20.intoArray(acc, 64);
    a30.intoArray(acc, 96);
    a01.intoArray(acc, 128);
    a11.intoArray(acc, 160);
    a21.intoArray(acc, 192);
    a31.intoArray(acc, 224);
    a02.intoArray(acc, 256);
    a12.intoArray(acc, 288);
    a22.intoArray(acc, 320);
    a32.intoArray(acc, 352);
    a03.intoArray(acc, 384);
    a13.intoArray(acc, 416);
    a23.intoArray(acc, 448);
    a33.intoArray(acc, 480);
  }

  /** Int16 sums of 4 row vectors, one of each block, times 3 sequences, to acc[3, 128]. */
  static void dot4x3(
      MemorySegment w, long at, long bs, short[] lut, int l, int groups, short[] acc) {
    ShortVector a00 = ShortVector.zero(S);
    ShortVector a10 = a00;
    ShortVector a20 = a00;
    ShortVector a30 = a00;
    ShortVector a01 = a00;
    ShortVector a11 = a00;
    ShortVector a21 = a00;
    ShortVector a31 = a00;
    ShortVector a02 = a00;
    ShortVector a12 = a00;
    ShortVector a22 = a00;
    ShortVector a32 = a00;
    for (int i = 0; i < 3; i++) {
      ShortVector shift = ShortVector.fromArray(S, SHIFTS, 32 * i);
      int table = l + i * groups * 96;
      for (int g = 0; g < groups; g++) {
        long p = at + g * 128L;
        ShortVector w0 =
            ShortVector.fromMemorySegment(S, w, p, LE).lanewise(VectorOperators.LSHR, shift);
        ShortVector w1 =
            ShortVector.fromMemorySegment(S, w, p + bs, LE).lanewise(VectorOperators.LSHR, shift);
        ShortVector w2 =
            ShortVector.fromMemorySegment(S, w, p + 2 * bs, LE)
                .lanewise(VectorOperators.LSHR, shift);
        ShortVector w3 =
            ShortVector.fromMemorySegment(S, w, p + 3 * bs, LE)
                .lanewise(VectorOperators.LSHR, shift);
        ShortVector t = ShortVector.fromArray(S, lut, table + g * 96);
        a00 = a00.add(w0.selectFrom(t));
        a10 = a10.add(w1.selectFrom(t));
        a20 = a20.add(w2.selectFrom(t));
        a30 = a30.add(w3.selectFrom(t));
        t = ShortVector.fromArray(S, lut, table + g * 96 + 32);
        a01 = a01.add(w0.selectFrom(t));
        a11 = a11.add(w1.selectFrom(t));
        a21 = a21.add(w2.selectFrom(t));
        a31 = a31.add(w3.selectFrom(t));
        t = ShortVector.fromArray(S, lut, table + g * 96 + 64);
        a02 = a02.add(w0.selectFrom(t));
        a12 = a12.add(w1.selectFrom(t));
        a22 = a22.add(w2.selectFrom(t));
        a32 = a32.add(w3.selectFrom(t));
      }
    }
    a00.intoArray(acc, 0);
    a10.intoArray(acc, 32);
    a20.intoArray(acc, 64);
    a30.intoArray(acc, 96);
    a01.intoArray(acc, 128);
    a11.intoArray(acc, 160);
    a21.intoArray(acc, 192);
    a31.intoArray(acc, 224);
    a02.intoArray(acc, 256);
    a12.intoArray(acc, 288);
    a22.intoArray(acc, 320);
    a32.intoArray(acc, 352);
  }

  /** Int16 sums of 4 row vectors, one of each block, times 2 sequences, to acc[2, 128]. */
  static void dot4x2(
      MemorySegment w, long at, long bs, short[] lut, int l, int groups, short[] acc) {
    ShortVector a00 = ShortVector.zero(S);
    ShortVector a10 = a00;
    ShortVector a20 = a00;
    ShortVector a30 = a00;
    ShortVector a01 = a00;
    ShortVector a11 = a00;
    ShortVector a21 = a00;
    ShortVector a31 = a00;
    for (int i = 0; i < 3; i++) {
      ShortVector shift = ShortVector.fromArray(S, SHIFTS, 32 * i);
      int table = l + i * groups * 64;
      for (int g = 0; g < groups; g++) {
        long p = at + g * 128L;
        ShortVector w0 =
            ShortVector.fromMemorySegment(S, w, p, LE).lanewise(VectorOperators.LSHR, shift);
        ShortVector w1 =
            ShortVector.fromMemorySegment(S, w, p + bs, LE).lanewise(VectorOperators.LSHR, shift);
        ShortVector w2 =
            ShortVector.fromMemorySegment(S, w, p + 2 * bs, LE)
                .lanewise(VectorOperators.LSHR, shift);
        ShortVector w3 =
            ShortVector.fromMemorySegment(S, w, p + 3 * bs, LE)
                .lanewise(VectorOperators.LSHR, shift);
        ShortVector t = ShortVector.fromArray(S, lut, table + g * 64);
        a00 = a00.add(w0.selectFrom(t));
        a10 = a10.add(w1.selectFrom(t));
        a20 = a20.add(w2.selectFrom(t));
        a30 = a30.add(w3.selectFrom(t));
        t = ShortVector.fromArray(S, lut, table + g * 64 + 32);
        a01 = a01.add(w0.selectFrom(t));
        a11 = a11.add(w1.selectFrom(t));
        a21 = a21.add(w2.selectFrom(t));
        a31 = a31.add(w3.selectFrom(t));
      }
    }
    a00.intoArray(acc, 0);
    a10.intoArray(acc, 32);
    a20.intoArray(acc, 64);
    a30.intoArray(acc, 96);
    a01.intoArray(acc, 128);
    a11.intoArray(acc, 160);
    a21.intoArray(acc, 192);
    a31.intoArray(acc, 224);
  }

  /**
   * Adds {@code vectors} row vectors of int16 sums to 32-bit sums in row order, {@code step} apart:
   * int lane i holds row i in its low half and row 16 + i in its high half.
   */
  static void addWidened(short[] acc, int from, int vectors, int[] sums, int at, int step) {
    for (int v = 0; v < vectors; v++) {
      IntVector pairs = ShortVector.fromArray(S, acc, from + v * LANES).reinterpretAsInts();
      int y = at + v * step;
      IntVector.fromArray(I, sums, y)
          .add(pairs.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16))
          .intoArray(sums, y);
      IntVector.fromArray(I, sums, y + 16)
          .add(pairs.lanewise(VectorOperators.ASHR, 16))
          .intoArray(sums, y + 16);
    }
  }
}
