package dev.tritium.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Tries a kernel on a small matrix: are its results those of the scalar kernel, and does the JVM
 * compile it to vector instructions? Without the right intrinsics it is right, but a thousand times
 * too slow.
 */
final class KernelProbe {
  private static final int ROWS = 256;
  private static final int COLUMNS = 504;
  private static final int CALLS = 16;

  private final TernaryKernels kernels;
  private final long limitNanos;
  private final Random random = new Random(1);

  /** A probe that gives the compiler {@code limitNanos} to reach the speed asked for. */
  KernelProbe(TernaryKernels kernels, long limitNanos) {
    this.kernels = kernels;
    this.limitNanos = limitNanos;
  }

  /** Why the kernel is not to be used, or null if it passed. */
  @Nullable String failure(double slowestWeightsPerSecond) {
    byte[] codes = new byte[ROWS * COLUMNS];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (random.nextInt(3) - 1);
    }
    // A shared arena, as models have: code that has met two kinds of memory is up to 1.7 x slower.
    try (Arena arena = Arena.ofShared();
        Workers workers = new Workers(1)) {
      PackedTernary weight = pack(codes, kernels.format(), arena);
      ScalarKernels scalar = new ScalarKernels(kernels.format(), workers);
      for (int sequences : new int[] {1, 4}) {
        QuantizedRows input = input(sequences);
        if (!Arrays.equals(
            product(kernels, weight, input).values(), product(scalar, weight, input).values())) {
          return "its results differ from the scalar kernel's";
        }
      }
      return speedFailure(weight, slowestWeightsPerSecond);
    }
  }

  /** One sequence and four take turns, so that the compiler has both to do at once. */
  private @Nullable String speedFailure(PackedTernary weight, double slowest) {
    Product one = new Product(weight, input(1), new Rows(1, ROWS));
    Product four = new Product(weight, input(4), new Rows(4, ROWS));
    double bestOfOne = 0;
    double bestOfFour = 0;
    long deadline = System.nanoTime() + limitNanos;
    while (System.nanoTime() < deadline) {
      bestOfOne = Math.max(bestOfOne, weightsPerSecond(one, deadline));
      bestOfFour = Math.max(bestOfFour, weightsPerSecond(four, deadline));
      if (Math.min(bestOfOne, bestOfFour) > slowest) {
        return null;
      }
    }
    return "%.2f billion weights/s with one sequence, %.2f with four, so its vector code is not compiled on this JVM"
        .formatted(bestOfOne / 1e9, bestOfFour / 1e9);
  }

  private double weightsPerSecond(Product product, long deadline) {
    long begin = System.nanoTime();
    int calls = 0;
    while (calls < CALLS && System.nanoTime() < deadline) {
      kernels.multiply(product);
      calls++;
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    return (double) calls * ROWS * COLUMNS * product.input().count() / seconds;
  }

  private static Rows product(TernaryKernels kernels, PackedTernary weight, QuantizedRows input) {
    Rows output = new Rows(input.count(), ROWS);
    kernels.multiply(new Product(weight, input, output));
    return output;
  }

  private QuantizedRows input(int sequences) {
    QuantizedRows input = new QuantizedRows(sequences, COLUMNS);
    for (int r = 0; r < sequences; r++) {
      input.setScale(r, 1);
      for (int j = 0; j < COLUMNS; j++) {
        input.values()[input.at(r) + j] = (short) (random.nextInt(255) - 127);
      }
    }
    return input;
  }

  private static PackedTernary pack(byte[] codes, TernaryFormat format, Arena arena) {
    MemorySegment packed = arena.allocate(format.packedBytes(ROWS, COLUMNS), 64);
    format.pack(
        (row, to) -> System.arraycopy(codes, row * COLUMNS, to, 0, COLUMNS),
        COLUMNS,
        0,
        ROWS,
        packed);
    return PackedTernary.of(format, ROWS, COLUMNS, packed, 1);
  }
}
