package dev.tritium.model;

import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.kernel.Kernels;

/** One kind of model, told by config.json's {@code model_type}. */
public interface ModelFamily {
  /** The {@code model_type} this family loads. */
  String modelType();

  /**
   * Reads the configuration and checks every tensor's name and shape, without reading weights.
   *
   * @throws dev.tritium.checkpoint.CheckpointException naming what does not fit
   */
  ModelDescription describe(ModelFolder folder);

  /**
   * Loads the weights. The model takes the folder over and closes it with itself.
   *
   * @throws dev.tritium.checkpoint.CheckpointException naming what does not fit
   */
  LanguageModel load(ModelFolder folder, Kernels kernels);
}
