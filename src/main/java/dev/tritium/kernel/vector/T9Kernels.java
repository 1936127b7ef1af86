package dev.tritium.kernel.vector;

import dev.tritium.kernel.Product;
import dev.tritium.kernel.QuantizedRows;
import dev.tritium.kernel.RowChunks;
import dev.tritium.kernel.T9Format;
import dev.tritium.kernel.TernaryFormat;
import dev.tritium.kernel.TernaryKernels;
import dev.tritium.kernel.Workers;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.ShortVector;

/**
 * Table look-ups at 512 bits: three activations have 27 signed sums, one permute of 32 shorts looks
 * up 32 rows of them.
 *
 * <p>A call of a few sequences is two phases: the tables of all inputs, shared by all threads, then
 * chunks of rows. Many sequences are one phase, in which each thread makes the tables it needs.
 * Sequences go by fours, the one to three left over as a narrower tile, all in one pass over the
 * weights.
 */
public final class T9Kernels implements TernaryKernels {
  private static final int BLOCK_ROWS = T9Format.BLOCK_ROWS;

  /** A tile of several sequences walks four blocks, one row vector of each at once. */
  private static final int TILE_ROWS = 4 * BLOCK_ROWS;

  /** From so many on it pays to unpack the weights: see {@link T9Gemm}. */
  private static final int MANY_SEQUENCES = 8;

  private static final int LANES = T9Tiles.LANES;

  /** Shorts of the three tables of one group. */
  private static final int GROUP_TABLES = 3 * LANES;

  private static final int TILE_SEQUENCES = 4;

  /** Tiles of tables that one chunk of the first phase builds. */
  private static final int TABLE_TILES = 4;

  private final TernaryFormat format = new T9Format();
  private final Workers workers;
  private final Scratch[] scratch; // [worker]
  private final Workers.Task buildTask = this::buildTables;
  private final Workers.Task rowsTask = this::multiplyRows;
  private final Workers.Task manyTask = this::multiplyMany;

  // The running call. All of it is reused: a product allocates nothing.
  private final RowChunks rows;
  private Product[] products = {};
  private Tables[] tables = {}; // [slot], one for each input of the call
  private int[] slotOf = {}; // [product]
  private int slots;
  private int first; // sequence of this pass over the weights

  public T9Kernels(Workers workers) {
    this.workers = workers;
    this.rows = new RowChunks(format, workers.size());
    this.scratch = new Scratch[workers.size()];
    Arrays.setAll(scratch, w -> new Scratch());
  }

  /** What one thread adds up in. */
  private static final class Scratch {
    final T9Gemm gemm = new T9Gemm();
    final short[] acc = new short[16 * LANES]; // int16 sums of one tile
    int[] sums = {}; // [sequences, rows of the chunk]
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
    this.products = products;
    int sequences = 0;
    for (Product product : products) {
      sequences = Math.max(sequences, product.input().count());
    }
    if (sequences >= MANY_SEQUENCES) {
      rows.begin(products, T9Gemm.TILE_ROWS, 1, T9Gemm.MAX_ROWS / T9Gemm.TILE_ROWS);
      for (first = 0; first < sequences; first += T9Gemm.sequences(sequences - first)) {
        workers.forEach(rows.chunks(), manyTask);
      }
      return;
    }
    if (sequences == 1) {
      rows.begin(products, BLOCK_ROWS, 4, 6); // padding makes blocks a multiple of four
    } else {
      rows.begin(products, TILE_ROWS, 1, 1);
    }
    workers.forEach(planTables(), buildTask);
    workers.forEach(rows.chunks(), rowsTask);
  }

  /**
   * The look-up tables of one input's sequences, [batch tile][tile of groups][table], the table of
   * a tile as {@link T9Tiles} wants it.
   */
  private static final class Tables {
    QuantizedRows input;
    int count;
    int groups;
    int tileGroups;
    int firstChunk; // of the phase that builds
    short[] values = {};

    Tables(QuantizedRows input) {
      this.input = input;
    }

    void plan(QuantizedRows input, int firstChunk) {
      this.input = input;
      this.firstChunk = firstChunk;
      count = input.count();
      groups = T9Format.groups(input.width());
      tileGroups = T9Tiles.groups(groups);
      int length = count * groups * GROUP_TABLES;
      if (values.length < length) {
        values = new short[length];
      }
    }

    /** Sequences of the batch tile that begins at {@code sequence}. */
    int width(int sequence) {
      return Math.min(TILE_SEQUENCES, count - sequence);
    }

    /** Where the tables of a tile of groups begin, for the batch tile that begins at a sequence. */
    int at(int sequence, int group) {
      return (sequence * groups + group * width(sequence)) * GROUP_TABLES;
    }

    int chunksPerSequence() {
      return Math.ceilDiv(groups, TABLE_TILES * tileGroups);
    }

    int chunks() {
      return count * chunksPerSequence();
    }
  }

  /** Products with the same input share its tables. Returns the chunks it takes to build all. */
  private int planTables() {
    if (slotOf.length < products.length) {
      int old = tables.length;
      tables = Arrays.copyOf(tables, products.length);
      for (int slot = old; slot < tables.length; slot++) {
        tables[slot] = new Tables(products[slot].input());
      }
      slotOf = new int[products.length];
    }
    slots = 0;
    int chunks = 0;
    for (int p = 0; p < products.length; p++) {
      QuantizedRows input = products[p].input();
      int slot = 0;
      while (slot < slots && tables[slot].input != input) {
        slot++;
      }
      slotOf[p] = slot;
      if (slot == slots) {
        tables[slot].plan(input, chunks);
        chunks += tables[slot].chunks();
        slots++;
      }
    }
    return chunks;
  }

  /** Tables of some groups of one sequence; the groups begin at a tile. */
  @SuppressWarnings("UnusedVariable") // worker: as Workers.Task has it
  private void buildTables(int chunk, int worker) {
    int slot = slots - 1;
    while (chunk < tables[slot].firstChunk) {
      slot--;
    }
    Tables t = tables[slot];
    int sequence = (chunk - t.firstChunk) / t.chunksPerSequence();
    int step = TABLE_TILES * t.tileGroups;
    int firstGroup = (chunk - t.firstChunk) % t.chunksPerSequence() * step;
    int endGroup = Math.min(t.groups, firstGroup + step);
    int place = sequence % TILE_SEQUENCES;
    int tile = sequence - place;
    int width = t.width(tile);
    short[] q = t.input.values();
    int x = t.input.at(sequence);
    if (width == 1) {
      T9Tiles.build(
          q,
          x + 9 * firstGroup,
          3 * (endGroup - firstGroup),
          3,
          t.values,
          t.at(tile, firstGroup),
          LANES);
      return;
    }
    for (int g = firstGroup; g < endGroup; g += t.tileGroups) {
      int n = Math.min(t.tileGroups, endGroup - g);
      for (int i = 0; i < 3; i++) {
        int to = t.at(tile, g) + (i * n * width + place) * LANES;
        T9Tiles.build(q, x + 9 * g + 3 * i, n, 9, t.values, to, width * LANES);
      }
    }
  }

  /** A chunk of rows times a few sequences. */
  private void multiplyRows(int chunk, int worker) {
    int p = rows.productOf(chunk);
    Product product = products[p];
    int firstRow = rows.firstRow(p, chunk);
    int count = rows.firstRow(p, chunk + 1) - firstRow; // padding included
    Tables t = tables[slotOf[p]];
    Scratch mine = scratch[worker];
    if (mine.sums.length < t.count * count) {
      mine.sums = new int[t.count * count];
    }
    Arrays.fill(mine.sums, 0, t.count * count, 0);
    long blockBytes = T9Format.blockBytes(product.weight().columns());
    long at = firstRow / BLOCK_ROWS * blockBytes;
    MemorySegment codes = product.weight().codes();
    for (int g = 0; g < t.groups; g += t.tileGroups) {
      int n = Math.min(t.tileGroups, t.groups - g);
      long tile = at + (long) g * T9Format.GROUP_BYTES;
      for (int s = 0; s < t.count; s += TILE_SEQUENCES) {
        if (t.width(s) == 1) {
          multiplyByOne(codes, tile, blockBytes, t, s, g, n, mine, count);
        } else {
          multiplyByTile(codes, tile, blockBytes, t, s, g, n, mine, count);
        }
      }
    }
    int endRow = Math.min(firstRow + count, product.weight().rows());
    for (int s = 0; s < t.count; s++) {
      product.store(s, firstRow, endRow, mine.sums, s * count);
    }
  }

  /** A chunk of rows times the sequences of this pass. */
  private void multiplyMany(int chunk, int worker) {
    int p = rows.productOf(chunk);
    int firstRow = rows.firstRow(p, chunk);
    int count = rows.firstRow(p, chunk + 1) - firstRow; // padding included
    int sequences = T9Gemm.sequences(products[p].input().count() - first);
    if (sequences > 0) {
      scratch[worker].gemm.multiply(products[p], first, sequences, firstRow, count);
    }
  }

  /** Four to six blocks and {@code n} groups of columns times one sequence. */
  private static void multiplyByOne(
      MemorySegment w, long at, long bs, Tables t, int s, int g, int n, Scratch mine, int rows) {
    int table = t.at(s, g);
    int blocks = rows / BLOCK_ROWS;
    switch (blocks) {
      case 4 -> T9Tiles.dot4(w, at, bs, t.values, table, n, mine.acc);
      case 5 -> T9Tiles.dot5(w, at, bs, t.values, table, n, mine.acc);
      default -> T9Tiles.dot6(w, at, bs, t.values, table, n, mine.acc);
    }
    T9Tiles.addWidened(mine.acc, 0, 2 * blocks, mine.sums, s * rows, LANES);
  }

  /** The same times the batch tile that begins at sequence {@code s}. */
  private static void multiplyByTile(
      MemorySegment w, long at, long bs, Tables t, int s, int g, int n, Scratch mine, int rows) {
    int width = t.width(s);
    int table = t.at(s, g);
    for (int row = 0; row < rows; row += TILE_ROWS) {
      for (int half = 0; half < 2; half++) { // of each block
        long p = at + row / BLOCK_ROWS * bs + half * T9Format.GROUP_BYTES / 2;
        switch (width) {
          case 2 -> T9Tiles.dot4x2(w, p, bs, t.values, table, n, mine.acc);
          case 3 -> T9Tiles.dot4x3(w, p, bs, t.values, table, n, mine.acc);
          default -> T9Tiles.dot4x4(w, p, bs, t.values, table, n, mine.acc);
        }
        for (int k = 0; k < width; k++) {
          int sums = (s + k) * rows + row + half * LANES;
          T9Tiles.addWidened(mine.acc, k * 4 * LANES, 4, mine.sums, sums, BLOCK_ROWS);
        }
      }
    }
  }
}
