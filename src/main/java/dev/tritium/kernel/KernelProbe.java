package dev.tritium.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Function;
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

  private final Function<Workers, TernaryKernels> make;
  private final long limitNanos;
  private final Random random = new Random(1);

  /** A probe that gives the compiler {@code limitNanos} to reach the speed asked for. */
  KernelProbe(Function<Workers, TernaryKernels> make, long limitNanos) {
    this.make = make;
    this.limitNanos = limitNanos;
  }

  /** Why the kernel is not to be used, or null if it passed. */
  @Nullable String failure(double slowestWeightsPerSecond) {
    byte[] codes = new byte[ROWS * COLUMNS];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (random.nextInt(3) - 1);
    }
    // One thread: others would spin on the processors that the compiler needs.
    try (Arena arena = Arena.ofConfined();
        Workers workers = new Workers(1)) {
      TernaryKernels kernels = make.apply(workers);
      PackedTernary weight = pack(codes, kernels.format(), arena);
      ScalarKernels scalar = new ScalarKernels(kernels.format(), workers);
      for (int sequences : new int[] {1, 4}) {
        QuantizedRows input = input(sequences);
        if (!Arrays.equals(
            product(kernels, weight, input).values(), product(scalar, weight, input).values())) {
          return "its results differ from the scalar kernel's";
        }
      }
      return speedFailure(kernels, weight, slowestWeightsPerSecond);
    }
  }

  private @Nullable String speedFailure(
      TernaryKernels kernels, PackedTernary weight, double slowest) {
    Product product = new Product(weight, input(1), new Rows(1, ROWS));
    double best = 0;
    long deadline = System.nanoTime() + limitNanos;
    while (System.nanoTime() < deadline) {
      long begin = System.nanoTime();
      int calls = 0;
      while (calls < CALLS && System.nanoTime() < deadline) {
        kernels.multiply(product);
        calls++;
      }
      double seconds = (System.nanoTime() - begin) / 1e9;
      best = Math.max(best, (double) calls * ROWS * COLUMNS / seconds);
      if (best > slowest) {
        return null;
      }
    }
    return "%.2f billion weights/s, so its vector code is not compiled on this JVM"
        .formatted(best / 1e9);
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
    MemorySegment packed = arena.allocate(format.packedBytes(ROWS, COLUMNS));
    format.pack(
        (row, to) -> System.arraycopy(codes, row * COLUMNS, to, 0, COLUMNS),
        COLUMNS,
        0,
        ROWS,
        packed);
    return PackedTernary.of(format, ROWS, COLUMNS, packed, 1);
  }
}
