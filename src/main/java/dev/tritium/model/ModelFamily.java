package dev.tritium.model;

import dev.tritium.checkpoint.ModelConfig;
import dev.tritium.kernel.Kernels;
import java.util.Set;
import java.util.stream.Stream;

/** One kind of model, told by config.json's {@code model_type}. */
public interface ModelFamily {
  /** The {@code model_type} this family loads. */
  String modelType();

  /**
   * The model's sizes.
   *
   * @param eosIds the ids that end a text, as far as the checkpoint's files name them
   * @throws dev.tritium.checkpoint.CheckpointException naming what config.json has wrong
   */
  ModelDescription describe(ModelConfig config, Set<Integer> eosIds);

  /**
   * Every tensor of a checkpoint with that configuration; one that is used both as it is and as a
   * ternary matrix stands there twice. Lazy, because a wrong config.json may ask for billions of
   * layers.
   *
   * @throws dev.tritium.checkpoint.CheckpointException naming what config.json has wrong
   */
  Stream<TensorSpec> tensors(ModelConfig config);

  /** Builds the model; it takes the weights over and closes them with itself. */
  LanguageModel load(Weights weights, Kernels kernels);
}
