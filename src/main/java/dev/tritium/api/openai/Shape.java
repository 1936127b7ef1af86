package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/**
 * What a JSON value may be: in words for people, as JSON Schema for their tools, and as a check.
 *
 * @param words after "must be"
 * @param schema of draft 2020-12, as text
 */
record Shape(String words, String schema, Predicate<JsonNode> fits) {
  static final Shape FLAG = new Shape("true or false", type("boolean"), JsonNode::isBoolean);
  static final Shape TEXT = new Shape("a string", type("string"), JsonNode::isTextual);

  /** An integer in [min, max]. */
  static Shape integer(long min, long max) {
    return numeric("integer", "an integer", String.valueOf(min), String.valueOf(max))
        .and(JsonNode::isIntegralNumber);
  }

  /** A number in [min, max], decimal. */
  static Shape number(String min, String max) {
    return numeric("number", "a number", min, max);
  }

  /** A string of at most so many UTF-16 units. */
  static Shape text(int maxLength) {
    return new Shape(
        "a string of at most %,d characters".formatted(maxLength),
        "{\"type\": \"string\", \"maxLength\": %d}".formatted(maxLength),
        value -> value.isTextual() && value.textValue().length() <= maxLength);
  }

  /** One whose own code reads and checks it. */
  static Shape of(String words, String schema) {
    return new Shape(words, schema, value -> true);
  }

  /** One of some values, given as JSON; numbers are equal by value. */
  static Shape oneOf(String... values) {
    List<JsonNode> allowed = Arrays.stream(values).map(Json::readValue).toList();
    String words = allowed.isEmpty() ? "left out" : String.join(" or ", values);
    String schema = "{\"enum\": [%s]}".formatted(String.join(", ", values));
    return new Shape(words, schema, value -> allowed.stream().anyMatch(one -> equal(one, value)));
  }

  private static Shape numeric(String type, String words, String min, String max) {
    BigDecimal least = new BigDecimal(min);
    BigDecimal most = new BigDecimal(max);
    return new Shape(
        "%s from %s to %s".formatted(words, min, max),
        "{\"type\": \"%s\", \"minimum\": %s, \"maximum\": %s}".formatted(type, min, max),
        value ->
            value.isNumber()
                && value.decimalValue().compareTo(least) >= 0
                && value.decimalValue().compareTo(most) <= 0);
  }

  private static String type(String type) {
    return "{\"type\": \"%s\"}".formatted(type);
  }

  private Shape and(Predicate<JsonNode> more) {
    return new Shape(words, schema, fits.and(more));
  }

  private static boolean equal(JsonNode one, JsonNode other) {
    if (one.isNumber() && other.isNumber()) {
      return one.decimalValue().compareTo(other.decimalValue()) == 0;
    }
    return one.equals(other);
  }

  /**
   * Checks a value that is not null.
   *
   * @param param its name in the request
   * @throws ApiException naming the parameter, what was found and what is expected
   */
  void check(String param, JsonNode value) {
    if (!fits.test(value)) {
      throw ApiException.invalid(
          param, "'%s' must be %s, found %s".formatted(param, words, shown(value)));
    }
  }

  /** The JSON Schema of a value that may also be null, which stands for not given. */
  ObjectNode nullableSchema() {
    ObjectNode json = (ObjectNode) Json.readValue(schema);
    if (json.path("type") instanceof TextNode type) {
      json.putArray("type").add(type).add("null");
    }
    for (String alternatives : List.of("oneOf", "anyOf")) {
      if (json.has(alternatives)) {
        ((ArrayNode) json.get(alternatives)).addObject().put("type", "null");
      }
    }
    if (json.has("enum")) {
      ((ArrayNode) json.get("enum")).addNull();
    }
    return json;
  }

  /** A JSON value as an error message shows it. */
  static String shown(JsonNode value) {
    String text = value.isValueNode() ? value.toString() : kindOf(value);
    return text.length() <= 50 ? text : text.substring(0, 50) + "...";
  }

  /** A JSON value's kind in words. */
  static String kindOf(JsonNode value) {
    return switch (value.getNodeType()) {
      case ARRAY -> "an array";
      case BOOLEAN -> "a boolean";
      case NULL -> "null";
      case NUMBER -> "a number";
      case OBJECT -> "an object";
      case STRING -> "a string";
      case BINARY, MISSING, POJO -> "nothing";
    };
  }
}
