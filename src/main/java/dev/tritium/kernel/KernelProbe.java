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
  private static final int[] BATCHES = {1, 4}; // sequences; each takes a path of its own

  /** What is done with a kernel and a matrix; the answer says what is wrong, or is null. */
  private interface Trial {
    @Nullable String run(TernaryKernels kernels, PackedTernary weight, Workers workers);
  }

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
    return withMatrix(
        (kernels, weight, workers) -> {
          ScalarKernels scalar = new ScalarKernels(kernels.format(), workers);
          for (int sequences : BATCHES) {
            QuantizedRows input = input(sequences);
            Rows expected = product(scalar, weight, input);
            if (!Arrays.equals(product(kernels, weight, input).values(), expected.values())) {
              return "its results differ from the scalar kernel's";
            }
          }
          double best = speed(kernels, weight, 1, slowestWeightsPerSecond);
          return best > slowestWeightsPerSecond
              ? null
              : "%.2f billion weights/s, so its vector code is not compiled on this JVM"
                  .formatted(best / 1e9);
        });
  }

  /** Runs the kernel, alone and in a batch, until it is as fast as that or the time is over. */
  void warmUp(double weightsPerSecond) {
    withMatrix(
        (kernels, weight, workers) -> {
          for (int sequences : BATCHES) {
            speed(kernels, weight, sequences, weightsPerSecond);
          }
          return null;
        });
  }

  private @Nullable String withMatrix(Trial trial) {
    byte[] codes = new byte[ROWS * COLUMNS];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (random.nextInt(3) - 1);
    }
    // One thread: others would spin on the processors that the compiler needs.
    try (Arena arena = Arena.ofConfined();
        Workers workers = new Workers(1)) {
      TernaryKernels kernels = make.apply(workers);
      return trial.run(kernels, pack(codes, kernels.format(), arena), workers);
    }
  }

  /** The best speed seen, in weights per second and sequence. */
  private double speed(TernaryKernels kernels, PackedTernary weight, int sequences, double enough) {
    Product product = new Product(weight, input(sequences), new Rows(sequences, ROWS));
    double best = 0;
    long deadline = System.nanoTime() + limitNanos;
    while (System.nanoTime() < deadline && best <= enough) {
      long begin = System.nanoTime();
      int calls = 0;
      while (calls < CALLS && System.nanoTime() < deadline) {
        kernels.multiply(product);
        calls++;
      }
      double seconds = (System.nanoTime() - begin) / 1e9;
      best = Math.max(best, (double) calls * ROWS * COLUMNS * sequences / seconds);
    }
    return best;
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
