package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How an answer is sent, and what it has besides its text.
 *
 * @param stream as events
 * @param includeUsage the stream ends with usage
 * @param continuousUsage every chunk has the usage so far
 * @param obfuscation every chunk is padded, so that its size tells less of its text
 * @param tokenIds the ids of prompt and answer
 * @param timings how long prompt and answer took so far
 */
record AnswerOptions(
    boolean stream,
    boolean includeUsage,
    boolean continuousUsage,
    boolean obfuscation,
    boolean tokenIds,
    boolean timings) {

  private static final String STREAM = "stream_options";

  static AnswerOptions read(RequestBody body) {
    boolean stream = body.flag("stream", false);
    JsonNode options = body.get(STREAM);
    if (options != null) {
      requireKnown(options, stream);
    }
    boolean includeUsage = flag(options, "include_usage");
    boolean continuousUsage = flag(options, "continuous_usage_stats");
    if (continuousUsage && !includeUsage) {
      throw ApiException.invalid(
          STREAM + ".continuous_usage_stats",
          "'stream_options.continuous_usage_stats' needs 'include_usage': true");
    }
    return new AnswerOptions(
        stream,
        includeUsage,
        continuousUsage,
        flag(options, "include_obfuscation"),
        body.flag("return_token_ids", false),
        body.flag("timings_per_token", false));
  }

  private static void requireKnown(JsonNode options, boolean stream) {
    if (!stream || !options.isObject()) {
      throw ApiException.invalid(
          STREAM, "'stream_options' must be an object, and is allowed only with 'stream': true");
    }
    for (Map.Entry<String, JsonNode> option : options.properties()) {
      String name = STREAM + "." + option.getKey();
      JsonNode value = option.getValue().isNull() ? BooleanNode.FALSE : option.getValue();
      switch (option.getKey()) {
        case "include_usage", "continuous_usage_stats", "include_obfuscation" ->
            Shape.FLAG.check(name, value);
        default -> throw ApiException.invalid(name, "'%s' is not a known option".formatted(name));
      }
    }
  }

  private static boolean flag(@Nullable JsonNode options, String name) {
    return options != null && options.path(name).asBoolean();
  }
}
