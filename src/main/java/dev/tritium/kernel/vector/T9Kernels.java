package dev.tritium.kernel.vector;

import dev.tritium.kernel.PackedTernary;
import dev.tritium.kernel.Product;
import dev.tritium.kernel.QuantizedRows;
import dev.tritium.kernel.RowChunks;
import dev.tritium.kernel.T9Format;
import dev.tritium.kernel.TernaryFormat;
import dev.tritium.kernel.TernaryKernels;
import dev.tritium.kernel.Workers;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Table look-ups at 512 bits: three activations have 27 signed sums, one permute of 32 shorts looks
 * up 32 rows of them.
 *
 * <p>A call is two phases: the tables of all inputs, shared by all threads, then super-blocks of
 * 256 rows. Sequences go by fours through {@link #dot4x4}; one or two left over go through {@link
 * #dot256}.
 */
public final class T9Kernels implements TernaryKernels {
  private static final VectorSpecies<Short> S = ShortVector.SPECIES_512;
  private static final VectorSpecies<Integer> I = IntVector.SPECIES_512;
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

  private static final int LANES = 32;
  private static final int ROWS = T9Format.SUPER_BLOCK_ROWS;
  private static final int GROUP_BYTES = T9Format.GROUP_BYTES;

  /** Shorts of the three tables of one group. */
  private static final int GROUP_TABLES = 3 * LANES;

  /** One group adds at most 9 * 127 = 1143 to an int16 sum; 28 * 1143 = 32004 still fits. */
  private static final int MAX_TILE_GROUPS = 28;

  /** Sequences per pass over the weights; bounds the tables, 147 KB each at 6912 columns. */
  private static final int MAX_SEQUENCES = 64;

  private static final int TILE_SEQUENCES = 4;

  /** Tiles of tables that one chunk of the first phase builds. */
  private static final int TABLE_TILES = 4;

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

  private final TernaryFormat format = new T9Format();
  private final Workers workers;
  private final Scratch[] scratch; // [worker]
  private short[][] tables = new short[0][0]; // [input], see Tables

  public T9Kernels(Workers workers) {
    this.workers = workers;
    this.scratch = new Scratch[workers.size()];
    Arrays.setAll(scratch, w -> new Scratch());
  }

  /** What one thread adds up in. */
  private static final class Scratch {
    final short[] acc = new short[512]; // int16 sums of one tile
    int[] sums = new int[ROWS]; // [sequences, 256]
  }

  @Override
  public String name() {
    return "t9";
  }

  @Override
  public int vectorBits() {
    return 512;
  }

  @Override
  public TernaryFormat format() {
    return format;
  }

  @Override
  public boolean supported() {
    return ShortVector.SPECIES_PREFERRED.vectorBitSize() == 512;
  }

  @Override
  public void multiply(Product... products) {
    RowChunks rows = RowChunks.begin(products, format, ROWS);
    int sequences = 0;
    for (Product product : products) {
      sequences = Math.max(sequences, product.input().count());
    }
    for (int first = 0; first < sequences; first += MAX_SEQUENCES) {
      Tables[] pass = plan(products, first);
      buildTables(pass);
      workers.forEach(
          rows.chunks(),
          (chunk, worker) -> {
            int p = rows.productOf(chunk);
            multiplyRows(products[p], pass[p], rows.firstRow(p, chunk), scratch[worker]);
          });
    }
  }

  /**
   * The look-up tables of one input's sequences [first, first + count), and how they are tiled.
   *
   * <p>Sequences by fours: [batch tile][tile of groups][code of the word][group][sequence][32]; the
   * one or two left over: [sequence][group][code of the word][32].
   */
  private record Tables(
      QuantizedRows input, int slot, int first, int count, int groups, int tileGroups) {

    static Tables of(QuantizedRows input, int slot, int first) {
      int groups = T9Format.groups(input.width());
      int tiles = Math.ceilDiv(groups, MAX_TILE_GROUPS);
      int count = Math.clamp(input.count() - first, 0, MAX_SEQUENCES);
      return new Tables(input, slot, first, count, groups, Math.ceilDiv(groups, tiles));
    }

    /** Three left over cost less as a fourth tile with one idle place than one by one. */
    int batchTiles() {
      return (count + 1) / TILE_SEQUENCES;
    }

    int firstSingle() {
      return batchTiles() * TILE_SEQUENCES;
    }

    int tilesAt(int batchTile, int group) {
      return (batchTile * groups + group) * TILE_SEQUENCES * GROUP_TABLES;
    }

    int singleAt(int sequence, int group) {
      return (sequence * groups + group) * GROUP_TABLES;
    }

    int length() {
      return Math.max(count, firstSingle()) * groups * GROUP_TABLES;
    }

    int chunksPerSequence() {
      return Math.ceilDiv(groups, TABLE_TILES * tileGroups);
    }
  }

  /** One entry per product; products with the same input share a slot of tables. */
  private Tables[] plan(Product[] products, int first) {
    Tables[] plan = new Tables[products.length];
    int slots = 0;
    for (int p = 0; p < products.length; p++) {
      QuantizedRows input = products[p].input();
      int same = 0;
      while (products[same].input() != input) {
        same++;
      }
      plan[p] = same < p ? plan[same] : Tables.of(input, slots++, first);
    }
    if (tables.length < slots) {
      int old = tables.length;
      tables = Arrays.copyOf(tables, slots);
      Arrays.fill(tables, old, slots, new short[0]);
    }
    for (Tables t : plan) {
      if (tables[t.slot].length < t.length()) {
        tables[t.slot] = new short[t.length()];
      }
    }
    return plan;
  }

  private void buildTables(Tables[] plan) {
    int[] firstChunk = new int[plan.length + 1];
    int slots = 0;
    for (int p = 0; p < plan.length; p++) {
      int chunks = 0;
      if (plan[p].slot == slots) {
        chunks = plan[p].count * plan[p].chunksPerSequence();
        slots++;
      }
      firstChunk[p + 1] = firstChunk[p] + chunks;
    }
    workers.forEach(
        firstChunk[plan.length],
        (chunk, worker) -> {
          int p = 0;
          while (chunk >= firstChunk[p + 1]) {
            p++;
          }
          Tables t = plan[p];
          int sequence = (chunk - firstChunk[p]) / t.chunksPerSequence();
          int slice = (chunk - firstChunk[p]) % t.chunksPerSequence();
          int end = Math.min(t.groups, (slice + 1) * TABLE_TILES * t.tileGroups);
          buildSlice(t, tables[t.slot], sequence, slice * TABLE_TILES * t.tileGroups, end);
        });
  }

  /** Tables of one sequence's groups [firstGroup, endGroup), which begin at a tile. */
  private static void buildSlice(
      Tables t, short[] table, int sequence, int firstGroup, int endGroup) {
    short[] q = t.input.values();
    int at = t.input.at(t.first + sequence) + 9 * firstGroup;
    if (sequence >= t.firstSingle()) {
      int to = t.singleAt(sequence, firstGroup);
      build(q, at, 3 * (endGroup - firstGroup), 3, table, to, LANES);
      return;
    }
    for (int g = firstGroup; g < endGroup; g += t.tileGroups, at += 9 * t.tileGroups) {
      int n = Math.min(t.tileGroups, endGroup - g);
      int place = sequence % TILE_SEQUENCES * LANES;
      for (int i = 0; i < 3; i++) {
        int to = t.tilesAt(sequence / TILE_SEQUENCES, g) + i * n * TILE_SEQUENCES * LANES + place;
        build(q, at + 3 * i, n, 9, table, to, TILE_SEQUENCES * LANES);
      }
    }
  }

  /**
   * Tables of {@code n} triples of activations, {@code step} apart; written {@code toStep} apart.
   */
  private static void build(short[] q, int at, int n, int step, short[] table, int to, int toStep) {
    ShortVector p0 = ShortVector.fromArray(S, TRITS, 0);
    ShortVector p1 = ShortVector.fromArray(S, TRITS, LANES);
    ShortVector p2 = ShortVector.fromArray(S, TRITS, 2 * LANES);
    for (int k = 0; k < n; k++) {
      int x = at + k * step;
      p0.mul(q[x]).add(p1.mul(q[x + 1])).add(p2.mul(q[x + 2])).intoArray(table, to + k * toStep);
    }
  }

  /** One super-block of 256 rows times all sequences of the pass. */
  private void multiplyRows(Product product, Tables t, int firstRow, Scratch scratch) {
    if (scratch.sums.length < t.count * ROWS) {
      scratch.sums = new int[t.count * ROWS];
    }
    PackedTernary weight = product.weight();
    short[] table = tables[t.slot];
    int[] sums = scratch.sums;
    Arrays.fill(sums, 0, t.count * ROWS, 0);
    long blockBytes = (long) t.groups * GROUP_BYTES;
    long at = firstRow / 64 * blockBytes;
    for (int g = 0; g < t.groups; g += t.tileGroups) {
      int n = Math.min(t.tileGroups, t.groups - g);
      long tile = at + (long) g * GROUP_BYTES;
      for (int b = 0; b < t.batchTiles(); b++) {
        int count = Math.min(TILE_SEQUENCES, t.count - b * TILE_SEQUENCES);
        for (int half = 0; half < 2; half++) {
          long quad = tile + half * 2L * blockBytes;
          dot4x4(weight.codes(), quad, blockBytes, table, t.tilesAt(b, g), n, scratch.acc);
          for (int s = 0; s < count; s++) {
            int y = (b * TILE_SEQUENCES + s) * ROWS + half * 128;
            addWidened(scratch.acc, s * 4 * LANES, 4, sums, y);
          }
        }
      }
      for (int s = t.firstSingle(); s < t.count; s++) {
        dot256(weight.codes(), tile, blockBytes, table, t.singleAt(s, g), n, scratch.acc);
        addWidened(scratch.acc, 0, 8, sums, s * ROWS);
      }
    }
    int endRow = Math.min(firstRow + ROWS, weight.rows());
    for (int s = 0; s < t.count; s++) {
      product.store(t.first + s, firstRow, endRow, sums, s * ROWS);
    }
  }

  /**
   * Int16 sums of 8 row vectors, in 4 blocks side by side, times one sequence, to acc[256].
   *
   * <p>The byte offset is the loop variable and the three look-ups are written out: an inner loop
   * or computed addresses leave bounds checks in the body and cost a fifth of the speed.
   *
   * @param at offset of the first block's first group in this tile
   * @param bs bytes from block to block
   * @param l index of the tile's first table
   */
  private static void dot256(
      MemorySegment w, long at, long bs, short[] lut, int l, int groups, short[] acc) {
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

  /**
   * Int16 sums of 4 row vectors, in 2 blocks, times 4 sequences, to acc[sequence, 128].
   *
   * <p>The code of the word is the outer loop: inside, C2 would unroll it and spill accumulators.
   */
  private static void dot4x4(
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
        ShortVector w0 = load(w, p, shift);
        ShortVector w1 = load(w, p + 64, shift);
        ShortVector w2 = load(w, p + bs, shift);
        ShortVector w3 = load(w, p + bs + 64, shift);
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

  private static ShortVector load(MemorySegment w, long p, ShortVector shift) {
    return ShortVector.fromMemorySegment(S, w, p, LE).lanewise(VectorOperators.LSHR, shift);
  }

  /**
   * Adds {@code vectors} row vectors of int16 sums to 32-bit sums in row order: int lane i holds
   * row i in its low half and row 16 + i in its high half.
   */
  private static void addWidened(short[] acc, int from, int vectors, int[] sums, int at) {
    for (int v = 0; v < vectors; v++) {
      IntVector pairs = ShortVector.fromArray(S, acc, from + v * LANES).reinterpretAsInts();
      int y = at + v * LANES;
      IntVector.fromArray(I, sums, y)
          .add(pairs.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16))
          .intoArray(sums, y);
      IntVector.fromArray(I, sums, y + 16)
          .add(pairs.lanewise(VectorOperators.ASHR, 16))
          .intoArray(sums, y + 16);
    }
  }
}
