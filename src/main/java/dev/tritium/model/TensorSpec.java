package dev.tritium.model;

import java.util.List;

/**
 * A tensor that a model's checkpoint must have.
 *
 * @param shape outermost dimension first
 * @param ternary whether it holds the latent weights of a ternary matrix [rows, columns]
 */
public record TensorSpec(String name, List<Long> shape, boolean ternary) {
  public TensorSpec {
    shape = List.copyOf(shape);
  }

  /** A ternary matrix. */
  static TensorSpec ternary(String name, long rows, long columns) {
    return new TensorSpec(name, List.of(rows, columns), true);
  }

  /** A tensor of floats. */
  static TensorSpec floats(String name, Long... shape) {
    return new TensorSpec(name, List.of(shape), false);
  }

  int rows() {
    return Math.toIntExact(shape.get(0));
  }

  int columns() {
    return Math.toIntExact(shape.get(1));
  }

  /** Number of its weights. */
  long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }
}
