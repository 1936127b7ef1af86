package dev.tritium.model;

import dev.tritium.checkpoint.Tensor;
import dev.tritium.kernel.TernaryFormat;
import dev.tritium.kernel.Workers;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;

/**
 * Absmean quantisation of a latent weight: scale = max(mean|W|, 1e-5) over all elements, code =
 * round_half_even(W / scale) clamped to [-1, 1] (matmulfreellm, ops/fusedbitnet.py). Weights that
 * hold three values already are latents like any others.
 */
final class AbsMean {
  private static final double SMALLEST_SCALE = 1e-5;

  private AbsMean() {}

  /**
   * Quantises and packs a weight [rows, columns]; reads it twice, row by row.
   *
   * @param packed takes the codes, {@link TernaryFormat#packedBytes} of them
   * @return the scale
   * @throws dev.tritium.checkpoint.CheckpointException if the tensor holds NaN or infinity
   */
  static float pack(Tensor tensor, TernaryFormat format, Workers workers, MemorySegment packed) {
    int rows = Math.toIntExact(tensor.shape().get(0));
    int columns = Math.toIntExact(tensor.shape().get(1));
    double scale = Math.max(meanAbsolute(tensor, rows, columns, workers), SMALLEST_SCALE);
    format.pack(
        () -> {
          float[] row = new float[columns];
          return (r, codes) -> {
            tensor.readFloats((long) r * columns, row, 0, columns);
            for (int c = 0; c < columns; c++) {
              codes[c] = code(row[c], scale);
            }
          };
        },
        rows,
        columns,
        workers,
        packed);
    return (float) scale;
  }

  /**
   * Number of zeros among a weight's codes [rows, columns].
   *
   * @throws dev.tritium.checkpoint.CheckpointException if the tensor holds NaN or infinity
   */
  static long zeros(Tensor tensor, Workers workers) {
    int rows = Math.toIntExact(tensor.shape().get(0));
    int columns = Math.toIntExact(tensor.shape().get(1));
    double scale = Math.max(meanAbsolute(tensor, rows, columns, workers), SMALLEST_SCALE);
    LongAdder zeros = new LongAdder();
    workers.forEach(
        rows,
        (r, worker) -> {
          float[] row = new float[columns];
          tensor.readFloats((long) r * columns, row, 0, columns);
          int found = 0;
          for (float weight : row) {
            found += code(weight, scale) == 0 ? 1 : 0;
          }
          zeros.add(found);
        });
    return zeros.sum();
  }

  /** Exactly half the scale rounds to even, which is 0. */
  private static byte code(float weight, double scale) {
    return (byte) (Math.abs(weight) * (1 / scale) > 0.5 ? (weight > 0 ? 1 : -1) : 0);
  }

  /** Mean of |W|: rows summed in order, then their sums in order, whatever the thread count. */
  private static double meanAbsolute(Tensor tensor, int rows, int columns, Workers workers) {
    double[] sums = new double[rows];
    int step = Math.max(1, (1 << 16) / columns);
    workers.forEach(
        (rows + step - 1) / step,
        (chunk, worker) -> {
          float[] row = new float[columns];
          for (int r = chunk * step; r < Math.min(rows, (chunk + 1) * step); r++) {
            tensor.readFloats((long) r * columns, row, 0, columns);
            double sum = 0;
            for (float weight : row) {
              sum += Math.abs(weight);
            }
            sums[r] = sum;
          }
        });
    double total = 0;
    for (double sum : sums) {
      total += sum;
    }
    if (!Double.isFinite(total)) { // finite floats cannot sum to that in double
      tensor.requireFinite();
    }
    return total / ((double) rows * columns);
  }
}
