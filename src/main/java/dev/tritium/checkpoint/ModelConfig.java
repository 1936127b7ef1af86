package dev.tritium.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A JSON configuration file of a model, such as config.json, with typed access.
 *
 * <p>A key that is null counts as missing, as in Hugging Face's configurations. Every getter throws
 * {@link CheckpointException} that names the file, the key, what was found and what was expected.
 */
public final class ModelConfig {
  private final String file;
  private final String prefix; // "" or, in a section, its keys followed by a dot
  private final JsonNode json;

  private ModelConfig(String file, String prefix, JsonNode json) {
    this.file = file;
    this.prefix = prefix;
    this.json = json;
  }

  /** A configuration of the bytes of {@code file}, whose name stands in errors. */
  public static ModelConfig parse(Path file, byte[] bytes) {
    return new ModelConfig(String.valueOf(file.getFileName()), "", StrictJson.object(file, bytes));
  }

  /** The configuration of a file that does not exist: every key is missing. */
  static ModelConfig empty(String file) {
    return new ModelConfig(file, "", JsonNodeFactory.instance.objectNode());
  }

  /** Whether the key is there and not null. */
  public boolean has(String key) {
    return json.hasNonNull(key);
  }

  public String requireString(String key) {
    return require(key, "a string", JsonNode::isTextual).textValue();
  }

  public String stringValue(String key, String defaultValue) {
    return has(key) ? requireString(key) : defaultValue;
  }

  public int requireInt(String key) {
    return require(key, "an integer of 32 bits", n -> n.isIntegralNumber() && n.canConvertToInt())
        .intValue();
  }

  public int intValue(String key, int defaultValue) {
    return has(key) ? requireInt(key) : defaultValue;
  }

  /** A size: an integer of at least 1. */
  public int requirePositiveInt(String key) {
    return require(
            key,
            "an integer from 1 to 2^31 - 1",
            n -> n.isIntegralNumber() && n.canConvertToInt() && n.intValue() > 0)
        .intValue();
  }

  /** A size, if given: an integer of at least 1. */
  public int positiveInt(String key, int defaultValue) {
    return has(key) ? requirePositiveInt(key) : defaultValue;
  }

  /** A finite number. */
  public double requireDouble(String key) {
    return require(key, "a finite number", n -> n.isNumber() && Double.isFinite(n.doubleValue()))
        .doubleValue();
  }

  /** A finite number, if given. */
  public double doubleValue(String key, double defaultValue) {
    return has(key) ? requireDouble(key) : defaultValue;
  }

  public boolean requireBoolean(String key) {
    return require(key, "true or false", JsonNode::isBoolean).booleanValue();
  }

  public boolean booleanValue(String key, boolean defaultValue) {
    return has(key) ? requireBoolean(key) : defaultValue;
  }

  /** Token ids: one integer from 0 on or a list of them; empty if the key is missing. */
  public List<Integer> tokenIds(String key) {
    String expected = "a token id or a list of token ids";
    List<Integer> ids = new ArrayList<>();
    if (has(key)) {
      JsonNode value = json.get(key);
      for (JsonNode id : value.isArray() ? value : List.of(value)) {
        if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
          throw unexpected(key, expected);
        }
        ids.add(id.intValue());
      }
    }
    return List.copyOf(ids);
  }

  /** An object inside, such as {@code quantization_config}; all its keys are missing if it is. */
  public ModelConfig section(String key) {
    JsonNode inside =
        has(key)
            ? require(key, "an object", JsonNode::isObject)
            : JsonNodeFactory.instance.objectNode();
    return new ModelConfig(file, prefix + key + ".", inside);
  }

  private JsonNode require(String key, String expected, Predicate<JsonNode> valid) {
    JsonNode value = json.get(key);
    if (value == null || value.isNull() || !valid.test(value)) {
      throw unexpected(key, expected);
    }
    return value;
  }

  /** An error that says what was found under {@code key} where something else was expected. */
  public CheckpointException unexpected(String key, String expected) {
    @Nullable JsonNode value = json.get(key);
    return new CheckpointException(
        "%s: %s: expected %s, found %s"
            .formatted(
                file,
                prefix + key,
                expected,
                value == null ? "no such key" : Printable.of(value.toString())));
  }
}
