package dev.tritium.model;

import dev.tritium.checkpoint.ModelConfig;
import dev.tritium.checkpoint.Tensor;
import dev.tritium.kernel.PackedTernary;
import java.util.Set;

/**
 * Where a model takes its tensors from, under the names of its checkpoint. Whoever loads a model
 * from it must keep it open as long as the model.
 */
public interface Weights extends AutoCloseable {
  /** What config.json says. */
  ModelConfig config();

  /** The ids that end a text, as far as the checkpoint's files name them. */
  Set<Integer> eosIds();

  /** A ternary matrix, packed for the kernels in use. */
  PackedTernary ternary(String name);

  /** Any other tensor; its values are finite. */
  Tensor tensor(String name);

  /** SHA-256 that saved states carry: equal for the same weights alone. */
  byte[] digest();

  /** Frees the tensors. */
  @Override
  void close();
}
