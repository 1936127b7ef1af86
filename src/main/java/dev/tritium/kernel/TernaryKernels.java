package dev.tritium.kernel;

/**
 * Ternary matrix products. Integer sums are exact, so implementations are equal bit for bit,
 * whatever their width, their thread count or the batch.
 */
public interface TernaryKernels {
  /** Name for logs, options and metrics: {@code t9}, {@code t2}, {@code scalar}. */
  String name();

  /** Vector width in bits, 0 for scalar. */
  int vectorBits();

  /** The layout this kernel reads; weights of another format are refused. */
  TernaryFormat format();

  /** Whether this CPU and JVM run the kernel as compiled vector code. */
  boolean supported();

  /**
   * Computes all products as one parallel phase. One row is a decode step; more are a prefill or a
   * batch. Weights whose products share an input may share the work on it.
   */
  void multiply(Product... products);
}
