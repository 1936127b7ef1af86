package dev.tritium.kernel.vector;

import dev.tritium.kernel.PackedTernary;
import dev.tritium.kernel.Product;
import dev.tritium.kernel.QuantizedRows;
import dev.tritium.kernel.RowChunks;
import dev.tritium.kernel.T2Format;
import dev.tritium.kernel.TernaryFormat;
import dev.tritium.kernel.TernaryKernels;
import dev.tritium.kernel.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Multiply and add at 256 or 128 bits, for CPUs without 512-bit permutes. Lanes are columns, four
 * rows go at once.
 *
 * <p>Words are multiplied as they are, without masks: an int w of two words holds 16 digits (trit +
 * 1), and with {@code T_j = w >>> 2j} digit j is {@code T_j - 4 T_{j+1}}. So the sum of digit * q
 * is the sum of {@code T_j * (q_j - 4 q_{j-1})}, modulo 2^16, which the true sum fits. Shifted, the
 * low 16 bits of w are T_0 to T_7, the high ones T_8 to T_15.
 */
public final class T2Kernels implements TernaryKernels {
  private static final int PREFERRED_BITS = ShortVector.SPECIES_PREFERRED.vectorBitSize();
  private static final int BITS = Math.clamp(PREFERRED_BITS, 128, 256);
  private static final VectorSpecies<Short> S =
      VectorSpecies.of(short.class, VectorShape.forBitSize(BITS));
  private static final VectorSpecies<Integer> I = S.withLanes(int.class);
  private static final int L = S.length();
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

  /** Words of a row in a chunk: one vector of 256 bits or two of 128. */
  private static final int LANES = 16;

  private static final int BLOCK_ROWS = 4;
  private static final int CHUNK_BYTES = BLOCK_ROWS * LANES * Short.BYTES;
  private static final int CHUNK_COLUMNS = 8 * LANES;
  private static final int CACHE_LINE_BYTES = 64;

  /** Rows of a chunk of work. */
  private static final int ROWS = 64;

  /**
   * Two lanes add 8 trit products of at most 127 per chunk: 16 * 2 * 8 * 127 = 32512 fits int16.
   */
  private static final int TILE_CHUNKS = 16;

  private final TernaryFormat format = new T2Format();
  private final Workers workers;
  private final Scratch[] scratch; // [worker]
  private final Workers.Task rowsTask = this::multiplyRows;

  // The running call. All of it is reused: a product allocates nothing.
  private final RowChunks rows;
  private Product[] products = {};
  private short[][] multipliers = {}; // [product], see prepare

  public T2Kernels(Workers workers) {
    this.workers = workers;
    this.rows = new RowChunks(format, workers.size());
    this.scratch = new Scratch[workers.size()];
    Arrays.setAll(scratch, w -> new Scratch());
  }

  private static final class Scratch {
    final int[] pairs = new int[BLOCK_ROWS * L / 2];
    private int[] sums = new int[ROWS]; // [sequences, 64]

    /** Room for the sums of {@code count} sequences; whatever was there may be left in it. */
    int[] sums(int count) {
      if (sums.length < count * ROWS) {
        sums = new int[count * ROWS];
      }
      return sums;
    }
  }

  @Override
  public String name() {
    return "t2";
  }

  @Override
  public int vectorBits() {
    return BITS;
  }

  @Override
  public TernaryFormat format() {
    return format;
  }

  @Override
  public boolean supported() {
    return PREFERRED_BITS >= 128;
  }

  @Override
  public void multiply(Product... products) {
    rows.begin(products, ROWS, 1, 1);
    this.products = products;
    if (multipliers.length < products.length) {
      multipliers = new short[products.length][0];
    }
    for (int p = 0; p < products.length; p++) {
      multipliers[p] = prepare(products[p].input(), multipliers[p]);
    }
    workers.forEach(rows.chunks(), rowsTask);
  }

  private void multiplyRows(int chunk, int worker) {
    int p = rows.productOf(chunk);
    multiply(products[p], multipliers[p], rows.firstRow(p, chunk), scratch[worker]);
  }

  /** Shorts per sequence in what {@link #prepare} returns. */
  private static int stride(int chunks) {
    return chunks * CHUNK_COLUMNS + Math.ceilDiv(chunks, TILE_CHUNKS) * LANES;
  }

  /**
   * What each sequence's words are multiplied with, [count, stride]: q_j - 4 * q_{j-1} in the order
   * of the columns; then for each tile of chunks the sums to begin with, [16], minus the sum of q,
   * for digits are trits + 1.
   *
   * @param to used if it is long enough
   */
  private static short[] prepare(QuantizedRows input, short[] to) {
    short[] q = input.values();
    int chunks = T2Format.chunks(input.width());
    int stride = stride(chunks);
    short[] x = to.length < input.count() * stride ? new short[input.count() * stride] : to;
    for (int s = 0; s < input.count(); s++) {
      int starts = s * stride + chunks * CHUNK_COLUMNS;
      Arrays.fill(x, starts, (s + 1) * stride, (short) 0);
      for (int lane = 0; lane < LANES; lane += L) {
        for (int c = 0; c < chunks; c++) {
          int at = input.at(s) + c * CHUNK_COLUMNS + lane;
          int start = starts + c / TILE_CHUNKS * LANES + lane;
          ShortVector sum = ShortVector.fromArray(S, x, start);
          // Below an upper half's first digit is the lower half's last; below that is none.
          ShortVector below =
              ShortVector.fromArray(S, q, at + 7 * LANES)
                  .reinterpretAsInts()
                  .lanewise(VectorOperators.LSHL, 16)
                  .reinterpretAsShorts();
          for (int j = 0; j < CHUNK_COLUMNS; j += LANES) {
            ShortVector v = ShortVector.fromArray(S, q, at + j);
            v.sub(below.mul((short) 4)).intoArray(x, s * stride + c * CHUNK_COLUMNS + lane + j);
            sum = sum.sub(v);
            below = v;
          }
          sum.intoArray(x, start);
        }
      }
    }
    return x;
  }

  /** Up to 64 rows times each sequence; four rows stay in the first cache meanwhile. */
  private static void multiply(Product product, short[] x, int firstRow, Scratch scratch) {
    PackedTernary weight = product.weight();
    int count = product.input().count();
    int[] sums = scratch.sums(count);
    Arrays.fill(sums, 0, count * ROWS, 0);
    int chunks = T2Format.chunks(weight.columns());
    int endRow = Math.min(firstRow + ROWS, weight.rows());
    long blockBytes = (long) chunks * CHUNK_BYTES;
    long at = firstRow / BLOCK_ROWS * blockBytes;
    long end = Math.ceilDiv(endRow, BLOCK_ROWS) * blockBytes;
    scratch.pairs[0] = touch(weight.codes(), at, end); // kept, or the compiler would read nothing
    for (int row = firstRow; row < endRow; row += BLOCK_ROWS) {
      long block = row / BLOCK_ROWS * blockBytes;
      for (int s = 0; s < count; s++) {
        for (int lane = 0; lane < LANES; lane += L) {
          long first = block + (long) lane * Short.BYTES;
          dotWords(weight.codes(), first, chunks, x, s * stride(chunks) + lane, scratch.pairs);
          for (int r = 0; r < BLOCK_ROWS; r++) {
            sums[s * ROWS + row - firstRow + r] +=
                IntVector.fromArray(I, scratch.pairs, r * L / 2).reduceLanes(VectorOperators.ADD);
          }
        }
      }
    }
    for (int s = 0; s < count; s++) {
      product.store(s, firstRow, endRow, sums, s * ROWS);
    }
  }

  /**
   * Brings [at, end) into the caches: many loads that nothing waits for come sooner than the few
   * that a core has under way while it multiplies.
   */
  private static int touch(MemorySegment w, long at, long end) {
    int sum = 0;
    long quarter = (end - at) / 4; // four streams, which prefetchers follow better than one
    for (long p = at; p < at + quarter; p += CACHE_LINE_BYTES) {
      sum += w.get(ValueLayout.JAVA_INT_UNALIGNED, p);
      sum += w.get(ValueLayout.JAVA_INT_UNALIGNED, p + quarter);
      sum += w.get(ValueLayout.JAVA_INT_UNALIGNED, p + 2 * quarter);
      sum += w.get(ValueLayout.JAVA_INT_UNALIGNED, p + 3 * quarter);
    }
    return sum;
  }

  /**
   * Sums of trit * q, by pairs of lanes, of 4 rows over all chunks, to sums[4, L / 2].
   *
   * <p>Without helper methods: past a number of nodes C2 inlines only the Vector API's own, and a
   * vector that leaves the method is an object, 10 times slower.
   */
  private static void dotWords(
      MemorySegment w, long at, int chunks, short[] x, int xAt, int[] sums) {
    IntVector s0 = IntVector.zero(I);
    IntVector s1 = s0;
    IntVector s2 = s0;
    IntVector s3 = s0;
    long p = at;
    int i = xAt;
    int start = xAt + chunks * CHUNK_COLUMNS;
    for (int c = 0; c < chunks; c += TILE_CHUNKS, start += LANES) {
      ShortVector a0 = ShortVector.fromArray(S, x, start);
      ShortVector a1 = a0;
      ShortVector a2 = a0;
      ShortVector a3 = a0;
      long end = p + (long) Math.min(TILE_CHUNKS, chunks - c) * CHUNK_BYTES;
      for (; p < end; p += CHUNK_BYTES, i += CHUNK_COLUMNS) {
        IntVector w0 = IntVector.fromMemorySegment(I, w, p, LE);
        IntVector w1 = IntVector.fromMemorySegment(I, w, p + 32, LE);
        IntVector w2 = IntVector.fromMemorySegment(I, w, p + 64, LE);
        IntVector w3 = IntVector.fromMemorySegment(I, w, p + 96, LE);
        ShortVector v = ShortVector.fromArray(S, x, i);
        a0 = a0.add(w0.reinterpretAsShorts().mul(v));
        a1 = a1.add(w1.reinterpretAsShorts().mul(v));
        a2 = a2.add(w2.reinterpretAsShorts().mul(v));
        a3 = a3.add(w3.reinterpretAsShorts().mul(v));
        w0 = w0.lanewise(VectorOperators.LSHR, 2);
        w1 = w1.lanewise(VectorOperators.LSHR, 2);
        w2 = w2.lanewise(VectorOperators.LSHR, 2);
        w3 = w3.lanewise(VectorOperators.LSHR, 2);
        v = ShortVector.fromArray(S, x, i + 16);
        a0 = a0.add(w0.reinterpretAsShorts().mul(v));
        a1 = a1.add(w1.reinterpretAsShorts().mul(v));
        a2 = a2.add(w2.reinterpretAsShorts().mul(v));
        a3 = a3.add(w3.reinterpretAsShorts().mul(v));
        w0 = w0.lanewise(VectorOperators.LSHR, 2);
        w1 = w1.lanewise(VectorOperators.LSHR, 2);
        w2 = w2.lanewise(VectorOperators.LSHR, 2);
        w3 = w3.lanewise(VectorOperators.LSHR, 2);
        v = ShortVector.fromArray(S, x, i + 32);
        a0 = a0.add(w0.reinterpretAsShorts().mul(v));
        a1 = a1.add(w1.reinterpretAsShorts().mul(v));
        a2 = a2.add(w2.reinterpretAsShorts().mul(v));
        a3 = a3.add(w3.reinterpretAsShorts().mul(v));
        w0 = w0.lanewise(VectorOperators.LSHR, 2);
        w1 = w1.lanewise(VectorOperators.LSHR, 2);
        w2 = w2.lanewise(VectorOperators.LSHR, 2);
        w3 = w3.lanewise(VectorOperators.LSHR, 2);
        v = ShortVector.fromArray(S, x, i + 48);
        a0 = a0.add(w0.reinterpretAsShorts().mul(v));
        a1 = a1.add(w1.reinterpretAsShorts().mul(v));
        a2 = a2.add(w2.reinterpretAsShorts().mul(v));
        a3 = a3.add(w3.reinterpretAsShorts().mul(v));
        w0 = w0.lanewise(VectorOperators.LSHR, 2);
        w1 = w1.lanewise(VectorOperators.LSHR, 2);
        w2 = w2.lanewise(VectorOperators.LSHR, 2);
        w3 = w3.lanewise(VectorOperators.LSHR, 2);
        v = ShortVector.fromArray(S, x, i + 64);
        a0 = a0.add(w0.reinterpretAsShorts().mul(v));
        a1 = a1.add(w1.reinterpretAsShorts().mul(v));
        a2 = a2.add(w2.reinterpretAsShorts().mul(v));
        a3 = a3.add(w3.reinterpretAsShorts().mul(v));
        w0 = w0.lanewise(VectorOperators.LSHR, 2);
        w1 = w1.lanewise(VectorOperators.LSHR, 2);
        w2 = w2.lanewise(VectorOperators.LSHR, 2);
        w3 = w3.lanewise(VectorOperators.LSHR, 2);
        v = ShortVector.fromArray(S, x, i + 80);
        a0 = a0.add(w0.reinterpretAsShorts().mul(v));
        a1 = a1.add(w1.reinterpretAsShorts().mul(v));
        a2 = a2.add(w2.reinterpretAsShorts().mul(v));
        a3 = a3.add(w3.reinterpretAsShorts().mul(v));
        w0 = w0.lanewise(VectorOperators.LSHR, 2);
        w1 = w1.lanewise(VectorOperators.LSHR, 2);
        w2 = w2.lanewise(VectorOperators.LSHR, 2);
        w3 = w3.lanewise(VectorOperators.LSHR, 2);
        v = ShortVector.fromArray(S, x, i + 96);
        a0 = a0.add(w0.reinterpretAsShorts().mul(v));
        a1 = a1.add(w1.reinterpretAsShorts().mul(v));
        a2 = a2.add(w2.reinterpretAsShorts().mul(v));
        a3 = a3.add(w3.reinterpretAsShorts().mul(v));
        w0 = w0.lanewise(VectorOperators.LSHR, 2);
        w1 = w1.lanewise(VectorOperators.LSHR, 2);
        w2 = w2.lanewise(VectorOperators.LSHR, 2);
        w3 = w3.lanewise(VectorOperators.LSHR, 2);
        v = ShortVector.fromArray(S, x, i + 112);
        a0 = a0.add(w0.reinterpretAsShorts().mul(v));
        a1 = a1.add(w1.reinterpretAsShorts().mul(v));
        a2 = a2.add(w2.reinterpretAsShorts().mul(v));
        a3 = a3.add(w3.reinterpretAsShorts().mul(v));
      }
      // The sum of both halves, modulo 2^16: in the upper one, then shifted down with its sign.
      IntVector b0 = a0.reinterpretAsInts();
      b0 = b0.add(b0.lanewise(VectorOperators.LSHL, 16));
      s0 = s0.add(b0.lanewise(VectorOperators.ASHR, 16));
      IntVector b1 = a1.reinterpretAsInts();
      b1 = b1.add(b1.lanewise(VectorOperators.LSHL, 16));
      s1 = s1.add(b1.lanewise(VectorOperators.ASHR, 16));
      IntVector b2 = a2.reinterpretAsInts();
      b2 = b2.add(b2.lanewise(VectorOperators.LSHL, 16));
      s2 = s2.add(b2.lanewise(VectorOperators.ASHR, 16));
      IntVector b3 = a3.reinterpretAsInts();
      b3 = b3.add(b3.lanewise(VectorOperators.LSHL, 16));
      s3 = s3.add(b3.lanewise(VectorOperators.ASHR, 16));
    }
    s0.intoArray(sums, 0);
    s1.intoArray(sums, L / 2);
    s2.intoArray(sums, L);
    s3.intoArray(sums, 3 * L / 2);
  }
}
