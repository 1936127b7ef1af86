package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.engine.StopRules;
import dev.tritium.grammar.SchemaException;
import dev.tritium.grammar.TokenGrammar;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads {@code response_format}: text, any JSON object, or what a JSON schema says. */
final class ResponseFormat {
  private static final String NAME = "response_format";
  private static final String SCHEMA = NAME + ".json_schema";

  private ResponseFormat() {}

  /**
   * The grammar of the answers, null for text.
   *
   * @param limit the parameter that bounds an answer's tokens
   */
  static @Nullable TokenGrammar read(
      RequestBody body, StopRules stop, String limit, ServedModel model) {
    JsonNode format = body.get(NAME);
    if (format == null) {
      return null;
    }
    if (!format.isObject()) {
      throw ApiException.invalid(NAME, "'response_format' must be an object with a 'type'");
    }
    TokenGrammar grammar;
    switch (format.path("type").asText()) {
      case "text" -> {
        requireOnly(NAME, format, Set.of("type"));
        return null;
      }
      case "json_object" -> {
        requireOnly(NAME, format, Set.of("type"));
        grammar = model.grammars().jsonObject();
      }
      case "json_schema" -> {
        requireOnly(NAME, format, Set.of("type", "json_schema"));
        grammar = ofSchema(format.path("json_schema"), model);
      }
      default ->
          throw ApiException.invalid(
              NAME + ".type",
              "'response_format.type' must be \"text\", \"json_object\" or \"json_schema\"");
    }
    requireNoOtherEnd(body);
    if (stop.maxTokens() < grammar.tokensOfShortest()) {
      throw ApiException.invalid(
          limit,
          "the shortest document that 'response_format' allows may need %d tokens, more than '%s' (%d)"
              .formatted(grammar.tokensOfShortest(), limit, stop.maxTokens()));
    }
    return grammar;
  }

  private static TokenGrammar ofSchema(JsonNode named, ServedModel model) {
    if (!named.isObject()) {
      throw ApiException.invalid(SCHEMA, "'%s' must be an object".formatted(SCHEMA));
    }
    requireOnly(SCHEMA, named, Set.of("name", "description", "schema", "strict"));
    if (!named.path("name").isTextual()
        || !named.get("name").textValue().matches("[a-zA-Z0-9_-]{1,64}")) {
      throw ApiException.invalid(
          SCHEMA + ".name",
          "'%s.name' must have 1 to 64 letters, digits, underscores or dashes".formatted(SCHEMA));
    }
    if (named.hasNonNull("description")) {
      Shape.TEXT.check(SCHEMA + ".description", named.get("description"));
    }
    if (named.hasNonNull("strict")) {
      Shape.FLAG.check(SCHEMA + ".strict", named.get("strict"));
    }
    JsonNode schema = named.path("schema");
    if (!schema.isObject()) {
      throw ApiException.invalid(
          SCHEMA + ".schema", "'%s.schema' must be an object".formatted(SCHEMA));
    }
    try {
      return model.grammars().ofSchema(schema);
    } catch (SchemaException e) {
      throw ApiException.invalid(
          SCHEMA + ".schema", "'%s.schema': %s".formatted(SCHEMA, e.getMessage()));
    }
  }

  private static void requireOnly(String param, JsonNode object, Set<String> names) {
    for (var field : object.properties()) {
      if (!names.contains(field.getKey()) && !field.getValue().isNull()) {
        String name = param + "." + field.getKey();
        throw ApiException.invalid(
            name.length() <= 200 ? name : name.substring(0, 200),
            "'%s' has a field that is not known".formatted(param));
      }
    }
  }

  /** A document ends where it is whole: nothing else may end it earlier, or keep it from ending. */
  private static void requireNoOtherEnd(RequestBody body) {
    for (String name : List.of("stop", "stop_token_ids")) {
      JsonNode ends = body.get(name);
      boolean isOff = ends == null || (ends.isArray() && ends.isEmpty());
      if (!isOff) {
        throw clash(name);
      }
    }
    if (body.integer("min_tokens", 0) > 0) {
      throw clash("min_tokens");
    }
    if (body.flag("ignore_eos", false)) {
      throw clash("ignore_eos");
    }
  }

  private static ApiException clash(String name) {
    return ApiException.invalid(
        name, "'%s' is not supported beside a JSON 'response_format'".formatted(name));
  }
}
