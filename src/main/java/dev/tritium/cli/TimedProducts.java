package dev.tritium.cli;

import dev.tritium.kernel.Product;
import dev.tritium.kernel.TernaryFormat;
import dev.tritium.kernel.TernaryKernels;

/**
 * A kernel that adds up the time spent in it and the bytes of the weights it was given. Reading the
 * clock twice a phase costs less than a thousandth of it.
 */
final class TimedProducts implements TernaryKernels {
  private final TernaryKernels kernels;
  private long nanos;
  private long weightBytes;

  TimedProducts(TernaryKernels kernels) {
    this.kernels = kernels;
  }

  /** Nanoseconds in {@link #multiply} so far, a kernel's work on its inputs included. */
  long nanos() {
    return nanos;
  }

  /** Packed bytes of all weights multiplied so far. */
  long weightBytes() {
    return weightBytes;
  }

  @Override
  public void multiply(Product... products) {
    long start = System.nanoTime();
    kernels.multiply(products);
    nanos += System.nanoTime() - start;
    for (Product product : products) {
      weightBytes += product.weight().codes().byteSize();
    }
  }

  @Override
  public String name() {
    return kernels.name();
  }

  @Override
  public int vectorBits() {
    return kernels.vectorBits();
  }

  @Override
  public TernaryFormat format() {
    return kernels.format();
  }

  @Override
  public boolean supported() {
    return kernels.supported();
  }
}
