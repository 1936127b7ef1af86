package dev.tritium.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.marcnuri.helm.Helm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The chart, as Helm renders it. */
final class Chart {
  static final Path FOLDER = Path.of("helm/tritium");

  private static final String OLDEST_KUBERNETES = "1.30.0";
  private static final Path TEST = Path.of("templates/tests/answers.yaml");
  private static final Helm HELM = new Helm(withoutHooks());

  private Chart() {}

  /** A copy in which the pod of {@code helm test} is no hook: rendering leaves hooks out. */
  private static Path withoutHooks() {
    Path copy = Path.of("target/chart/tritium");
    try (Stream<Path> files = Files.walk(FOLDER)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path target = copy.resolve(FOLDER.relativize(file));
        Files.createDirectories(target.getParent());
        Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
      }
      String test = Files.readString(copy.resolve(TEST));
      Files.writeString(copy.resolve(TEST), test.replace("helm.sh/hook: test", "hook: test"));
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The objects that a release named {@code llm} in the namespace {@code models} has, its tests
   * among them.
   *
   * @throws IllegalStateException with Helm's message where it refuses the values
   */
  static List<Manifest> render(JsonNode values) {
    return render(values, OLDEST_KUBERNETES);
  }

  /** The same, in a cluster of another version. */
  static List<Manifest> render(JsonNode values, String kubernetes) {
    try {
      Path file = Files.createTempFile("values", ".yaml");
      try {
        Manifest.YAML.writeValue(file.toFile(), values);
        return Manifest.parse(
            HELM.template()
                .withName("llm")
                .withNamespace("models")
                .withKubeVersion(kubernetes)
                .withValuesFile(file)
                .call());
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The same, with values as YAML. */
  static List<Manifest> render(String values) {
    return render(yaml(values));
  }

  /** The one object of this kind. */
  static Manifest one(List<Manifest> all, String kind) {
    List<Manifest> found = all.stream().filter(m -> m.kind().equals(kind)).toList();
    if (found.size() != 1) {
      throw new AssertionError("not one " + kind + ": " + all);
    }
    return found.getFirst();
  }

  /** A container's variables; those of Secrets are empty. */
  static Map<String, String> variables(JsonNode container) {
    return container
        .get("env")
        .valueStream()
        .collect(Collectors.toMap(v -> v.path("name").asText(), v -> v.path("value").asText()));
  }

  static JsonNode yaml(String text) {
    try {
      return text.isBlank() ? Manifest.YAML.createObjectNode() : Manifest.YAML.readTree(text);
    } catch (IOException e) {
      throw new AssertionError(text, e);
    }
  }

  /** Values as Helm merges them: maps field by field, all else is replaced. */
  static ObjectNode merge(JsonNode first, JsonNode second) {
    ObjectNode merged = first.deepCopy();
    for (Map.Entry<String, JsonNode> field : second.properties()) {
      JsonNode before = merged.get(field.getKey());
      merged.set(
          field.getKey(),
          before != null && before.isObject() && field.getValue().isObject()
              ? merge(before, field.getValue())
              : field.getValue());
    }
    return merged;
  }
}
