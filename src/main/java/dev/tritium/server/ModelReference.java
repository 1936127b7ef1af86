package dev.tritium.server;

import io.smallrye.config.common.utils.StringUtil;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A model that is to be served.
 *
 * @param name what clients call it; its own name when empty
 * @param model where it is, as {@link LoadedModel#find} takes it
 */
public record ModelReference(Optional<String> name, Optional<String> model) {
  private static final int MAX_NAME_LENGTH = 200;

  /**
   * @throws IllegalArgumentException if it has a name that is none
   */
  public ModelReference {
    name.ifPresent(ModelReference::requireName);
  }

  private static void requireName(String name) {
    if (name.isBlank()
        || name.length() > MAX_NAME_LENGTH
        || name.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(
          "a model's name must be 1 to %d characters of text, found '%s'"
              .formatted(MAX_NAME_LENGTH, name.replaceAll("\\p{Cntrl}", "?")));
    }
  }

  /**
   * Reads {@code name=model} or {@code model}: what is before the first {@code =} is a name only if
   * it has no slash, since a folder's path may have both.
   *
   * @throws IllegalArgumentException if the name is none, or there is nothing behind it
   */
  public static ModelReference parse(String text) {
    int end = text.indexOf('=');
    String name = text.substring(0, Math.max(0, end));
    if (end < 0 || name.indexOf('/') >= 0 || name.indexOf('\\') >= 0) {
      return new ModelReference(Optional.empty(), Optional.of(text));
    }
    String model = text.substring(end + 1);
    if (model.isBlank()) {
      throw new IllegalArgumentException("tritium.model: no model behind '%s'".formatted(text));
    }
    return new ModelReference(Optional.of(name), Optional.of(model));
  }

  /** The models in one value of {@code tritium.model}, which has commas between them. */
  public static List<String> split(String value) {
    return List.of(StringUtil.split(value));
  }

  /** One value of {@code tritium.model}; a backslash says that a comma is none between models. */
  public static String join(List<String> models) {
    return models.stream()
        .map(model -> model.replaceAll("[\\\\,]", "\\\\$0"))
        .collect(Collectors.joining(","));
  }

  /**
   * The models of the settings; the bundled one if they name none.
   *
   * @throws IllegalArgumentException naming the setting that cannot be meant
   */
  static List<ModelReference> of(TritiumConfig config) {
    List<ModelReference> references =
        config
            .model()
            .map(texts -> texts.stream().map(ModelReference::parse).toList())
            .orElse(List.of(new ModelReference(Optional.empty(), Optional.empty())));
    if (config.modelId().isPresent()) {
      if (references.size() > 1 || references.getFirst().name().isPresent()) {
        throw new IllegalArgumentException(
            "tritium.model-id is the name of one model that has none: with several, or with a name"
                + " in tritium.model, write name=model there");
      }
      references = List.of(new ModelReference(config.modelId(), references.getFirst().model()));
    }
    Set<String> ids = new HashSet<>();
    for (ModelReference reference : references) {
      if (!ids.add(reference.id())) {
        throw new IllegalArgumentException(
            "tritium.model: two models are called '%s'; give one another name: name=model"
                .formatted(reference.id()));
      }
    }
    return references;
  }

  /** What clients call it. */
  String id() {
    return name.orElseGet(() -> LoadedModel.defaultName(model));
  }
}
