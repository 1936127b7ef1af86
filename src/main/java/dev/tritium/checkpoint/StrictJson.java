package dev.tritium.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;

/** JSON of a checkpoint: UTF-8 only, no duplicate keys, bounded in depth and number of elements. */
public final class StrictJson {
  private static final int MAX_DEPTH = 64;

  /** About 140,000 tensors in one header, more than the largest published models have in all. */
  private static final long MAX_TOKENS = 2_000_000;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          // Names come from strangers: keep them out of the JVM's tables of interned strings.
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxTokenCount(MAX_TOKENS)
                  .build())
          .build();

  private static final ObjectMapper MAPPER = new ObjectMapper(FACTORY);

  private StrictJson() {}

  /** A parser that fails on malformed UTF-8 instead of guessing another encoding. */
  static JsonParser parser(InputStream json) throws IOException {
    return FACTORY.createParser(new InputStreamReader(json, UTF_8.newDecoder()));
  }

  /**
   * Reads a whole document that must be an object.
   *
   * @throws CheckpointException naming the file
   */
  static JsonNode object(Path file, byte[] json) {
    return object(file.toString(), json);
  }

  /**
   * Reads a whole document that must be an object.
   *
   * @param source what errors call it
   * @throws CheckpointException naming the source
   */
  public static JsonNode object(String source, byte[] json) {
    try (JsonParser parser = parser(new ByteArrayInputStream(json))) {
      JsonNode node = MAPPER.readTree(parser);
      if (node == null || !node.isObject() || parser.nextToken() != null) {
        throw new CheckpointException(source + ": expected one JSON object");
      }
      return node;
    } catch (IOException e) {
      throw new CheckpointException(source + ": " + reason(e), e);
    }
  }

  /** What is wrong with the JSON, and where, in one line. */
  static String reason(IOException e) {
    if (e instanceof CharacterCodingException) {
      return "not valid UTF-8";
    }
    if (e instanceof JsonProcessingException json) {
      String at =
          json.getLocation() == null ? "" : " at character " + json.getLocation().getCharOffset();
      return "not valid JSON" + at + ": " + Printable.of(json.getOriginalMessage());
    }
    return String.valueOf(e.getMessage());
  }
}
