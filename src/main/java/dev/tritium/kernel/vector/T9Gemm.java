package dev.tritium.kernel.vector;

import dev.tritium.kernel.PackedTernary;
import dev.tritium.kernel.Product;
import dev.tritium.kernel.QuantizedRows;
import dev.tritium.kernel.T9Format;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * One thread's work on a product of many sequences: a range of rows, whose codes it unpacks once
 * for all of them.
 *
 * <p>Unpacked, a code is the two byte indices of its entry: a permute of bytes looks up 32 rows
 * too, in one micro-operation where a permute of shorts takes two on Intel. The indices of one tile
 * of groups stay in the second cache, the tables of one batch tile in the first: where threads
 * shared all tables, writing and reading them took a fifth of the time.
 */
final class T9Gemm {
  private static final VectorSpecies<Short> S = ShortVector.SPECIES_512;
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final int LANES = T9Tiles.LANES;

  /** Rows of a tile: two blocks, four row vectors. */
  static final int TILE_ROWS = 2 * T9Format.BLOCK_ROWS;

  /**
   * Rows whose indices, and sums of {@link #MAX_SEQUENCES} sequences, fit a second cache of 1 MB.
   */
  static final int MAX_ROWS = 12 * TILE_ROWS;

  private static final int MAX_SEQUENCES = 64;
  private static final int TILE_SEQUENCES = 4;
  private static final int LAST_SEQUENCES = TILE_SEQUENCES + 1; // rather than one by itself
  private static final int TILE_LANES = 4 * LANES;
  private static final int CODES = 3; // of a word

  private final short[] tables = new short[T9Tiles.MAX_GROUPS * CODES * LAST_SEQUENCES * LANES];
  private final short[] acc = new short[LAST_SEQUENCES * TILE_LANES];
  private short[] indices = {}; // [row tile][group][code][row vector][32]
  private int[] sums = {}; // [batch tile][row tile][sequence][128]

  /** Sequences of the next call, of those that are left. */
  static int sequences(int left) {
    return left == MAX_SEQUENCES + 1 ? left : Math.min(MAX_SEQUENCES, left);
  }

  /** Sequences of the next tile, of those that are left. */
  private static int width(int left) {
    return left == LAST_SEQUENCES ? left : Math.min(TILE_SEQUENCES, left);
  }

  /**
   * Rows [firstRow, firstRow + count) of the product, padding included, for the input's rows
   * [first, first + sequences).
   *
   * @param firstRow a multiple of {@link #TILE_ROWS}, as is {@code count}
   */
  void multiply(Product product, int first, int sequences, int firstRow, int count) {
    PackedTernary weight = product.weight();
    QuantizedRows input = product.input();
    int groups = T9Format.groups(weight.columns());
    int tileGroups = T9Tiles.groups(groups);
    int rowTiles = count / TILE_ROWS;
    reserve(rowTiles * tileGroups * CODES * TILE_LANES, sequences * count);
    Arrays.fill(sums, 0, sequences * count, 0);
    for (int g = 0; g < groups; g += tileGroups) {
      int n = Math.min(tileGroups, groups - g);
      unpack(weight, g, n, firstRow, rowTiles);
      for (int s = 0, width; s < sequences; s += width) {
        width = width(sequences - s);
        for (int k = 0; k < width; k++) {
          int q = input.at(first + s + k) + g * T9Format.GROUP_COLUMNS;
          T9Tiles.build(input.values(), q, CODES * n, 3, tables, k * LANES, width * LANES);
        }
        addProducts(rowTiles, width, CODES * n, s * count);
      }
    }
    store(product, first, sequences, firstRow, count);
  }

  private void reserve(int indexLength, int sumLength) {
    if (indices.length < indexLength) {
      indices = new short[indexLength];
    }
    if (sums.length < sumLength) {
      sums = new int[sumLength];
    }
  }

  private void unpack(PackedTernary weight, int group, int groups, int firstRow, int rowTiles) {
    long blockBytes = T9Format.blockBytes(weight.columns());
    long at = firstRow / T9Format.BLOCK_ROWS * blockBytes + (long) group * T9Format.GROUP_BYTES;
    for (int block = 0; block < 2 * rowTiles; block++) {
      int to = block / 2 * groups * CODES * TILE_LANES + block % 2 * 2 * LANES;
      unpackBlock(weight.codes(), at + block * blockBytes, groups, indices, to);
    }
  }

  private static void unpackBlock(MemorySegment w, long at, int groups, short[] indices, int to) {
    for (int g = 0; g < groups; g++) {
      long p = at + (long) g * T9Format.GROUP_BYTES;
      int y = to + g * CODES * TILE_LANES;
      unpackWords(w, p, indices, y);
      unpackWords(w, p + 64, indices, y + LANES);
    }
  }

  /** Of a code c the indices are 2 c in the low byte and 2 c + 1 in the high byte. */
  private static void unpackWords(MemorySegment w, long p, short[] indices, int y) {
    ShortVector words = ShortVector.fromMemorySegment(S, w, p, LE);
    words.and((short) 31).mul((short) 0x0202).add((short) 0x0100).intoArray(indices, y);
    words
        .lanewise(VectorOperators.LSHR, 5)
        .and((short) 31)
        .mul((short) 0x0202)
        .add((short) 0x0100)
        .intoArray(indices, y + TILE_LANES);
    words
        .lanewise(VectorOperators.LSHR, 10)
        .mul((short) 0x0202)
        .add((short) 0x0100)
        .intoArray(indices, y + 2 * TILE_LANES);
  }

  /** Adds all row tiles' products of one batch tile and one tile of groups. */
  private void addProducts(int rowTiles, int width, int n, int at) {
    for (int tile = 0; tile < rowTiles; tile++) {
      int x = tile * n * TILE_LANES;
      switch (width) {
        case 1 -> dot4x1(indices, x, tables, n, acc);
        case 2 -> dot4x2(indices, x, tables, n, acc);
        case 3 -> dot4x3(indices, x, tables, n, acc);
        case 4 -> dot4x4(indices, x, tables, n, acc);
        default -> dot4x5(indices, x, tables, n, acc);
      }
      T9Tiles.addWidened(acc, 0, 4 * width, sums, at + tile * width * TILE_ROWS, LANES);
    }
  }

  private void store(Product product, int first, int sequences, int firstRow, int count) {
    int endRow = Math.min(firstRow + count, product.weight().rows());
    for (int s = 0, width; s < sequences; s += width) {
      width = width(sequences - s);
      for (int place = 0; place < width; place++) {
        int at = s * count + place * TILE_ROWS;
        for (int row = firstRow; row < endRow; row += TILE_ROWS) {
          product.store(first + s + place, row, Math.min(endRow, row + TILE_ROWS), sums, at);
          at += width * TILE_ROWS;
        }
      }
    }
  }

  // No helper methods in what follows, as in T2Kernels.dotWords.

  /** Int16 sums of {@code n} look-ups: 4 row vectors times 5 sequences, to acc[5, 128]. */
  private static void dot4x5(short[] indices, int x, short[] tables, int n, short[] acc) {
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
    ShortVector a04 = a00;
    ShortVector a14 = a00;
    ShortVector a24 = a00;
    ShortVector a34 = a00;
    for (int i = 0; i < n; i++) {
      int y = x + i * TILE_LANES;
      ByteVector w0 = ShortVector.fromArray(S, indices, y).reinterpretAsBytes();
      ByteVector w1 = ShortVector.fromArray(S, indices, y + 32).reinterpretAsBytes();
      ByteVector w2 = ShortVector.fromArray(S, indices, y + 64).reinterpretAsBytes();
      ByteVector w3 = ShortVector.fromArray(S, indices, y + 96).reinterpretAsBytes();
      ByteVector t = ShortVector.fromArray(S, tables, i * 160).reinterpretAsBytes();
      a00 = a00.add(w0.selectFrom(t).reinterpretAsShorts());
      a10 = a10.add(w1.selectFrom(t).reinterpretAsShorts());
      a20 = a20.add(w2.selectFrom(t).reinterpretAsShorts());
      a30 = a30.add(w3.selectFrom(t).reinterpretAsShorts());
      t = ShortVector.fromArray(S, tables, i * 160 + 32).reinterpretAsBytes();
      a01 = a01.add(w0.selectFrom(t).reinterpretAsShorts());
      a11 = a11.add(w1.selectFrom(t).reinterpretAsShorts());
      a21 = a21.add(w2.selectFrom(t).reinterpretAsShorts());
      a31 = a31.add(w3.selectFrom(t).reinterpretAsShorts());
      t = ShortVector.fromArray(S, tables, i * 160 + 64).reinterpretAsBytes();
      a02 = a02.add(w0.selectFrom(t).reinterpretAsShorts());
      a12 = a12.add(w1.selectFrom(t).reinterpretAsShorts());
      a22 = a22.add(w2.selectFrom(t).reinterpretAsShorts());
      a32 = a32.add(w3.selectFrom(t).reinterpretAsShorts());
      t = ShortVector.fromArray(S, tables, i * 160 + 96).reinterpretAsBytes();
      a03 = a03.add(w0.selectFrom(t).reinterpretAsShorts());
      a13 = a13.add(w1.selectFrom(t).reinterpretAsShorts());
      a23 = a23.add(w2.selectFrom(t).reinterpretAsShorts());
      a33 = a33.add(w3.selectFrom(t).reinterpretAsShorts());
      t = ShortVector.fromArray(S, tables, i * 160 + 128).reinterpretAsBytes();
      a04 = a04.add(w0.selectFrom(t).reinterpretAsShorts());
      a14 = a14.add(w1.selectFrom(t).reinterpretAsShorts());
      a24 = a24.add(w2.selectFrom(t).reinterpretAsShorts());
      a34 = a34.add(w3.selectFrom(t).reinterpretAsShorts());
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
    a04.intoArray(acc, 512);
    a14.intoArray(acc, 544);
    a24.intoArray(acc, 576);
    a34.intoArray(acc, 608);
  }

  /** Int16 sums of {@code n} look-ups: 4 row vectors times 4 sequences, to acc[4, 128]. */
  private static void dot4x4(short[] indices, int x, short[] tables, int n, short[] acc) {
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
    for (int i = 0; i < n; i++) {
      int y = x + i * TILE_LANES;
      ByteVector w0 = ShortVector.fromArray(S, indices, y).reinterpretAsBytes();
      ByteVector w1 = ShortVector.fromArray(S, indices, y + 32).reinterpretAsBytes();
      ByteVector w2 = ShortVector.fromArray(S, indices, y + 64).reinterpretAsBytes();
      ByteVector w3 = ShortVector.fromArray(S, indices, y + 96).reinterpretAsBytes();
      ByteVector t = ShortVector.fromArray(S, tables, i * 128).reinterpretAsBytes();
      a00 = a00.add(w0.selectFrom(t).reinterpretAsShorts());
      a10 = a10.add(w1.selectFrom(t).reinterpretAsShorts());
      a20 = a20.add(w2.selectFrom(t).reinterpretAsShorts());
      a30 = a30.add(w3.selectFrom(t).reinterpretAsShorts());
      t = ShortVector.fromArray(S, tables, i * 128 + 32).reinterpretAsBytes();
      a01 = a01.add(w0.selectFrom(t).reinterpretAsShorts());
      a11 = a11.add(w1.selectFrom(t).reinterpretAsShorts());
      a21 = a21.add(w2.selectFrom(t).reinterpretAsShorts());
      a31 = a31.add(w3.selectFrom(t).reinterpretAsShorts());
      t = ShortVector.fromArray(S, tables, i * 128 + 64).reinterpretAsBytes();
      a02 = a02.add(w0.selectFrom(t).reinterpretAsShorts());
      a12 = a12.add(w1.selectFrom(t).reinterpretAsShorts());
      a22 = a22.add(w2.selectFrom(t).reinterpretAsShorts());
      a32 = a32.add(w3.selectFrom(t).reinterpretAsShorts());
      t = ShortVector.fromArray(S, tables, i * 128 + 96).reinterpretAsBytes();
      a03 = a03.add(w0.selectFrom(t).reinterpretAsShorts());
      a13 = a13.add(w1.selectFrom(t).reinterpretAsShorts());
      a23 = a23.add(w2.selectFrom(t).reinterpretAsShorts());
      a33 = a33.add(w3.selectFrom(t).reinterpretAsShorts());
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

  /** Int16 sums of {@code n} look-ups: 4 row vectors times 3 sequences, to acc[3, 128]. */
  private static void dot4x3(short[] indices, int x, short[] tables, int n, short[] acc) {
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
    for (int i = 0; i < n; i++) {
      int y = x + i * TILE_LANES;
      ByteVector w0 = ShortVector.fromArray(S, indices, y).reinterpretAsBytes();
      ByteVector w1 = ShortVector.fromArray(S, indices, y + 32).reinterpretAsBytes();
      ByteVector w2 = ShortVector.fromArray(S, indices, y + 64).reinterpretAsBytes();
      ByteVector w3 = ShortVector.fromArray(S, indices, y + 96).reinterpretAsBytes();
      ByteVector t = ShortVector.fromArray(S, tables, i * 96).reinterpretAsBytes();
      a00 = a00.add(w0.selectFrom(t).reinterpretAsShorts());
      a10 = a10.add(w1.selectFrom(t).reinterpretAsShorts());
      a20 = a20.add(w2.selectFrom(t).reinterpretAsShorts());
      a30 = a30.add(w3.selectFrom(t).reinterpretAsShorts());
      t = ShortVector.fromArray(S, tables, i * 96 + 32).reinterpretAsBytes();
      a01 = a01.add(w0.selectFrom(t).reinterpretAsShorts());
      a11 = a11.add(w1.selectFrom(t).reinterpretAsShorts());
      a21 = a21.add(w2.selectFrom(t).reinterpretAsShorts());
      a31 = a31.add(w3.selectFrom(t).reinterpretAsShorts());
      t = ShortVector.fromArray(S, tables, i * 96 + 64).reinterpretAsBytes();
      a02 = a02.add(w0.selectFrom(t).reinterpretAsShorts());
      a12 = a12.add(w1.selectFrom(t).reinterpretAsShorts());
      a22 = a22.add(w2.selectFrom(t).reinterpretAsShorts());
      a32 = a32.add(w3.selectFrom(t).reinterpretAsShorts());
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

  /** Int16 sums of {@code n} look-ups: 4 row vectors times 2 sequences, to acc[2, 128]. */
  private static void dot4x2(short[] indices, int x, short[] tables, int n, short[] acc) {
    ShortVector a00 = ShortVector.zero(S);
    ShortVector a10 = a00;
    ShortVector a20 = a00;
    ShortVector a30 = a00;
    ShortVector a01 = a00;
    ShortVector a11 = a00;
    ShortVector a21 = a00;
    ShortVector a31 = a00;
    for (int i = 0; i < n; i++) {
      int y = x + i * TILE_LANES;
      ByteVector w0 = ShortVector.fromArray(S, indices, y).reinterpretAsBytes();
      ByteVector w1 = ShortVector.fromArray(S, indices, y + 32).reinterpretAsBytes();
      ByteVector w2 = ShortVector.fromArray(S, indices, y + 64).reinterpretAsBytes();
      ByteVector w3 = ShortVector.fromArray(S, indices, y + 96).reinterpretAsBytes();
      ByteVector t = ShortVector.fromArray(S, tables, i * 64).reinterpretAsBytes();
      a00 = a00.add(w0.selectFrom(t).reinterpretAsShorts());
      a10 = a10.add(w1.selectFrom(t).reinterpretAsShorts());
      a20 = a20.add(w2.selectFrom(t).reinterpretAsShorts());
      a30 = a30.add(w3.selectFrom(t).reinterpretAsShorts());
      t = ShortVector.fromArray(S, tables, i * 64 + 32).reinterpretAsBytes();
      a01 = a01.add(w0.selectFrom(t).reinterpretAsShorts());
      a11 = a11.add(w1.selectFrom(t).reinterpretAsShorts());
      a21 = a21.add(w2.selectFrom(t).reinterpretAsShorts());
      a31 = a31.add(w3.selectFrom(t).reinterpretAsShorts());
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

  /** Int16 sums of {@code n} look-ups: 4 row vectors times 1 sequence, to acc[1, 128]. */
  private static void dot4x1(short[] indices, int x, short[] tables, int n, short[] acc) {
    ShortVector a00 = ShortVector.zero(S);
    ShortVector a10 = a00;
    ShortVector a20 = a00;
    ShortVector a30 = a00;
    for (int i = 0; i < n; i++) {
      int y = x + i * TILE_LANES;
      ByteVector w0 = ShortVector.fromArray(S, indices, y).reinterpretAsBytes();
      ByteVector w1 = ShortVector.fromArray(S, indices, y + 32).reinterpretAsBytes();
      ByteVector w2 = ShortVector.fromArray(S, indices, y + 64).reinterpretAsBytes();
      ByteVector w3 = ShortVector.fromArray(S, indices, y + 96).reinterpretAsBytes();
      ByteVector t = ShortVector.fromArray(S, tables, i * 32).reinterpretAsBytes();
      a00 = a00.add(w0.selectFrom(t).reinterpretAsShorts());
      a10 = a10.add(w1.selectFrom(t).reinterpretAsShorts());
      a20 = a20.add(w2.selectFrom(t).reinterpretAsShorts());
      a30 = a30.add(w3.selectFrom(t).reinterpretAsShorts());
    }
    a00.intoArray(acc, 0);
    a10.intoArray(acc, 32);
    a20.intoArray(acc, 64);
    a30.intoArray(acc, 96);
  }
}
