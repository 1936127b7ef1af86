package dev.tritium.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** What {@code --json} prints: the names of records in snake case, which scripts rely on. */
final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  private Json() {}

  /** A record, or a list of them, of numbers and texts, and a line's end. */
  static String of(Object records) {
    try {
      return MAPPER.writeValueAsString(records) + System.lineSeparator();
    } catch (JsonProcessingException e) {
      throw new AssertionError("numbers and texts are always JSON", e);
    }
  }
}
