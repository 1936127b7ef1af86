package dev.tritium.api.openai;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.JsonParserDelegate;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;

/** JSON as this API reads and writes it: strictly. */
final class Json {
  /** Deeper bodies are refused before they cost anything. */
  private static final int MAX_DEPTH = 100;

  /** In all objects of a body; a million that differ would cost 0.2 s. */
  static final int MAX_NAMES = 50_000;

  private static final int MAX_STRING_LENGTH = 20_000_000; // characters; the body limit is lower

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  // for good in the JVM, and slow: a million strangers' names cost 0.7 s, not 0.2 s
                  .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxStringLength(MAX_STRING_LENGTH)
                          .build())
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private Json() {}

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** A value as maps, lists, strings, numbers, booleans and null. */
  static Object plain(JsonNode value) {
    return MAPPER.convertValue(value, Object.class);
  }

  /** Reads JSON of our own. */
  static JsonNode readValue(String json) {
    try {
      return MAPPER.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(json, e);
    }
  }

  /**
   * Reads a body that must be one JSON object.
   *
   * @throws ApiException saying where it is broken
   */
  static ObjectNode readObject(byte[] body) {
    try (JsonParser parser = new CountingNames(MAPPER.createParser(body))) {
      JsonNode read = MAPPER.readTree(parser);
      JsonNode node = read == null ? MissingNode.getInstance() : read; // null: there is nothing
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw ApiException.invalid(
          null, "the body must be a JSON object, found " + Shape.kindOf(node));
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      String where =
          at == null ? "" : " (line %d, column %d)".formatted(at.getLineNr(), at.getColumnNr());
      throw ApiException.invalid(
          null, "the body is not valid JSON: " + e.getOriginalMessage() + where);
    } catch (IOException e) {
      throw ApiException.invalid(null, "the body is not valid JSON: it is not UTF-8");
    }
  }

  /** Refuses a body while it is read, not when all its names are there. */
  private static final class CountingNames extends JsonParserDelegate {
    private int names;

    CountingNames(JsonParser parser) {
      super(parser);
    }

    @Override
    public JsonToken nextToken() throws IOException {
      JsonToken token = super.nextToken();
      if (token == JsonToken.FIELD_NAME && ++names > MAX_NAMES) {
        throw ApiException.invalid(
            null, "the body has more than %,d names in its objects".formatted(MAX_NAMES));
      }
      return token;
    }
  }
}
