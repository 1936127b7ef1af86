package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One row of the table of parameters.
 *
 * @param type what its JSON value must be
 * @param min the least number, {@code max} the greatest; null where there is no such bound
 * @param off for what is not supported yet: the values that mean off, as JSON
 */
record Parameter(
    String name,
    Type type,
    Status status,
    @Nullable BigDecimal min,
    @Nullable BigDecimal max,
    List<String> off) {

  /** What a parameter's JSON value must be. */
  enum Type {
    INTEGER,
    NUMBER,
    BOOLEAN,
    STRING,
    /** Read by its own code. */
    ANY
  }

  /** What the server does with a parameter. */
  enum Status {
    SUPPORTED,
    /** Changes nothing in the answer: any value is taken. */
    ACCEPTED,
    /** Only a value that means off is taken. */
    NOT_YET
  }

  static Parameter integer(String name, long min, long max) {
    return new Parameter(
        name,
        Type.INTEGER,
        Status.SUPPORTED,
        BigDecimal.valueOf(min),
        BigDecimal.valueOf(max),
        List.of());
  }

  static Parameter number(String name, double min, double max) {
    return new Parameter(
        name,
        Type.NUMBER,
        Status.SUPPORTED,
        BigDecimal.valueOf(min),
        BigDecimal.valueOf(max),
        List.of());
  }

  static Parameter of(String name, Type type) {
    return new Parameter(name, type, Status.SUPPORTED, null, null, List.of());
  }

  static Parameter accepted(String name) {
    return new Parameter(name, Type.ANY, Status.ACCEPTED, null, null, List.of());
  }

  static Parameter notYet(String name, String... off) {
    return new Parameter(name, Type.ANY, Status.NOT_YET, null, null, List.of(off));
  }

  /**
   * Checks a value that is not null against the row.
   *
   * @throws ApiException naming the parameter, what was found and what is expected
   */
  void check(JsonNode value) {
    if (status == Status.NOT_YET && !off.contains(value.toString())) {
      String except = off.isEmpty() ? "" : ", other than as " + String.join(" or ", off);
      throw ApiException.invalid(
          name, "'%s' is not supported by this server%s".formatted(name, except));
    }
    boolean fits =
        switch (type) {
          case INTEGER, NUMBER ->
              value.isNumber()
                  && (type == Type.NUMBER || value.isIntegralNumber())
                  && inRange(value);
          case BOOLEAN -> value.isBoolean();
          case STRING -> value.isTextual();
          case ANY -> true;
        };
    if (!fits) {
      throw ApiException.invalid(
          name, "'%s' must be %s, found %s".formatted(name, expected(), shown(value)));
    }
  }

  private boolean inRange(JsonNode value) {
    BigDecimal number = value.decimalValue();
    return (min == null || number.compareTo(min) >= 0)
        && (max == null || number.compareTo(max) <= 0);
  }

  private String expected() {
    return switch (type) {
      case INTEGER -> "an integer" + range();
      case NUMBER -> "a number" + range();
      case BOOLEAN -> "true or false";
      case STRING -> "a string";
      case ANY -> "valid";
    };
  }

  private String range() {
    if (min == null || max == null) {
      return "";
    }
    return " from %s to %s".formatted(min.toPlainString(), max.toPlainString());
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
