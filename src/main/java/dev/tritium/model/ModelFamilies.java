package dev.tritium.model;

import dev.tritium.checkpoint.CheckpointException;
import dev.tritium.checkpoint.ModelConfig;
import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.TernaryFormat;
import dev.tritium.kernel.Workers;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The families there are, and the ways to a model through them. */
public final class ModelFamilies {
  private static final List<ModelFamily> ALL = List.of(HgrnBit.FAMILY);

  private ModelFamilies() {}

  private static ModelFamily of(ModelConfig config) {
    String modelType = config.requireString("model_type");
    return ALL.stream()
        .filter(family -> family.modelType().equals(modelType))
        .findFirst()
        .orElseThrow(
            () ->
                config.unexpected(
                    "model_type",
                    ALL.stream().map(ModelFamily::modelType).collect(Collectors.joining(" or "))));
  }

  /**
   * Checks a configuration alone, such as that of a model whose weights are not here yet.
   *
   * @throws CheckpointException naming what does not fit
   */
  public static void check(ModelConfig config) {
    of(config).describe(config, Set.of());
  }

  /**
   * Checks a folder's configuration and every tensor's name and shape, without reading weights.
   *
   * @throws CheckpointException naming what does not fit
   */
  public static ModelDescription describe(ModelFolder folder) {
    ModelFamily family = of(folder.config());
    ModelDescription description = family.describe(folder.config(), folder.eosIds());
    Set<String> more = new HashSet<>(folder.tensorNames());
    family
        .tensors(folder.config())
        .forEach(
            spec -> {
              folder
                  .tensor(spec.name())
                  .requireShape(spec.shape().stream().mapToLong(Long::longValue).toArray());
              more.remove(spec.name());
            });
    if (!more.isEmpty()) {
      throw new CheckpointException(
          "%s: tensor %s is not part of a %s model with this config.json"
              .formatted(
                  folder.path(), more.stream().min(String::compareTo).get(), family.modelType()));
    }
    return description;
  }

  /**
   * Loads a folder's model, which takes the folder over and closes it with itself; a failure closes
   * it too.
   *
   * @throws CheckpointException naming what does not fit
   */
  public static LanguageModel load(ModelFolder folder, Kernels kernels, Loading loading) {
    try {
      describe(folder);
      ModelFamily family = of(folder.config());
      List<TensorSpec> specs = family.tensors(folder.config()).toList();
      return family.load(new CheckpointWeights(folder, specs, kernels, loading), kernels);
    } catch (RuntimeException | Error e) {
      folder.close();
      throw e;
    }
  }

  /**
   * Bytes of all ternary matrices, packed: what one decode step reads.
   *
   * @throws CheckpointException naming what config.json has wrong
   */
  public static long packedBytes(ModelConfig config, TernaryFormat format) {
    return of(config)
        .tensors(config)
        .filter(TensorSpec::ternary)
        .mapToLong(spec -> format.packedBytes(spec.rows(), spec.columns()))
        .sum();
  }

  /**
   * Bytes of all tensors that are used as they are.
   *
   * @param folder one that {@link #describe} accepts
   */
  public static long otherBytes(ModelFolder folder) {
    return of(folder.config())
        .tensors(folder.config())
        .filter(spec -> !spec.ternary())
        .mapToLong(spec -> folder.tensor(spec.name()).data().byteSize())
        .sum();
  }

  /**
   * Number of weights that are 0 once they are ternary; reads all of them.
   *
   * @param folder one that {@link #describe} accepts
   * @throws CheckpointException naming a tensor that is not finite
   */
  public static long zeros(ModelFolder folder, Workers workers) {
    return of(folder.config())
        .tensors(folder.config())
        .filter(TensorSpec::ternary)
        .mapToLong(spec -> AbsMean.zeros(folder.tensor(spec.name()), workers))
        .sum();
  }

  /** A model with random weights of the shape that {@code config} describes, for benchmarks. */
  public static LanguageModel random(ModelConfig config, Kernels kernels) {
    ModelFamily family = of(config);
    return family.load(new RandomWeights(config, family.tensors(config), kernels), kernels);
  }
}
