package dev.tritium.model;

import dev.tritium.checkpoint.CheckpointException;
import dev.tritium.checkpoint.ModelFolder;
import java.util.List;
import java.util.stream.Collectors;

/** The families there are. */
public final class ModelFamilies {
  private static final List<ModelFamily> ALL = List.of(HgrnBit.FAMILY);

  private ModelFamilies() {}

  /**
   * The family that loads a folder.
   *
   * @throws CheckpointException listing the known ones if its {@code model_type} is not among them
   */
  public static ModelFamily of(ModelFolder folder) {
    String modelType = folder.config().requireString("model_type");
    return ALL.stream()
        .filter(family -> family.modelType().equals(modelType))
        .findFirst()
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: model_type \"%s\" is not known; known are %s"
                        .formatted(
                            folder.path().resolve("config.json"),
                            modelType,
                            ALL.stream()
                                .map(ModelFamily::modelType)
                                .collect(Collectors.joining(", ")))));
  }
}
