package dev.tritium.kernel;

/** What a model computes with: its matrix products, its row operations and the pool behind both. */
public record Kernels(TernaryKernels ternary, RowKernels rows, Workers workers)
    implements AutoCloseable {

  /**
   * Kernels on a pool of {@code threads} threads, the caller included.
   *
   * @param wanted see {@link KernelChooser#choose}
   * @throws IllegalArgumentException if no such kernel exists or runs here
   */
  public static Kernels create(String wanted, int threads) {
    Workers workers = new Workers(threads);
    try {
      TernaryKernels ternary = KernelChooser.choose(wanted, workers);
      return new Kernels(ternary, KernelChooser.rowKernels(ternary), workers);
    } catch (IllegalArgumentException e) {
      workers.close();
      throw e;
    }
  }

  /** Ends the pool's threads. */
  @Override
  public void close() {
    workers.close();
  }
}
