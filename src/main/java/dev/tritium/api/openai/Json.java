package dev.tritium.api.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

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
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.regex.Pattern;

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
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          // errors show 1.0, which is no integer here, as it was sent
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  /** What the parser's messages say to those who program it. */
  private static final Pattern PARSER_HINTS =
      Pattern.compile("(: enable `| \\(not recognized| \\(start marker).*|, from `[^`]*`");

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
    if (!isUtf8(body)) {
      throw ApiException.invalid(null, "the body is not valid JSON: it is not UTF-8");
    }
    try (JsonParser parser = new CountingNames(MAPPER.createParser(body))) {
      JsonNode read = MAPPER.readTree(parser);
      JsonNode node = read == null ? MissingNode.getInstance() : read; // null: there is nothing
      if (node instanceof ObjectNode object) {
        if (parser.nextToken() != null) {
          throw ApiException.invalid(
              null, "the body must be one JSON object, found more behind it");
        }
        return object;
      }
      throw ApiException.invalid(
          null, "the body must be a JSON object, found " + Shape.kindOf(node));
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      String where =
          at == null ? "" : " (line %d, column %d)".formatted(at.getLineNr(), at.getColumnNr());
      String reason = PARSER_HINTS.matcher(e.getOriginalMessage()).replaceAll("");
      throw ApiException.invalid(null, "the body is not valid JSON: " + reason + where);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // the bytes are all there
    }
  }

  /** The parser alone would also take UTF-16, UTF-32, and UTF-8 that is longer than needed. */
  private static boolean isUtf8(byte[] body) {
    if (body.length > 1 && (body[0] == 0 || body[1] == 0)) { // as JSON begins in those
      return false;
    }
    String text = new String(body, UTF_8); // what is wrong becomes U+FFFD
    return text.indexOf('\uFFFD') < 0 || Arrays.equals(text.getBytes(UTF_8), body);
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
