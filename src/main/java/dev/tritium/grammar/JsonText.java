package dev.tritium.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON values as text, without white space: maps, lists, strings, numbers, booleans and null. */
final class JsonText {
  private JsonText() {}

  static String of(@Nullable Object value) {
    StringBuilder text = new StringBuilder();
    append(value, text);
    return text.toString();
  }

  private static void append(@Nullable Object value, StringBuilder text) {
    switch (value) {
      case null -> text.append("null");
      case String string -> appendString(string, text);
      case Map<?, ?> map -> {
        text.append('{');
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          text.append(text.charAt(text.length() - 1) == '{' ? "" : ",");
          appendString(String.valueOf(entry.getKey()), text);
          append(entry.getValue(), text.append(':'));
        }
        text.append('}');
      }
      case List<?> list -> {
        text.append('[');
        for (Iterator<?> items = list.iterator(); items.hasNext(); ) {
          append(items.next(), text);
          text.append(items.hasNext() ? "," : "");
        }
        text.append(']');
      }
      default -> text.append(value);
    }
  }

  private static void appendString(String string, StringBuilder text) {
    text.append('"');
    string.codePoints().forEach(c -> text.append(character(c)));
    text.append('"');
  }

  /** A character within a string: escaped only where it must be. */
  static String character(int codePoint) {
    return switch (codePoint) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\b' -> "\\b";
      case '\f' -> "\\f";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default -> codePoint < ' ' ? "\\u%04x".formatted(codePoint) : Character.toString(codePoint);
    };
  }

  /** The name of a value's type in JSON schema; integers are also numbers. */
  static String type(@Nullable Object value) {
    return switch (value) {
      case null -> "null";
      case String _ -> "string";
      case Boolean _ -> "boolean";
      case Map<?, ?> _ -> "object";
      case List<?> _ -> "array";
      case Number number -> isInteger(number) ? "integer" : "number";
      default -> throw new IllegalArgumentException("not a JSON value: " + value.getClass());
    };
  }

  private static boolean isInteger(Number number) {
    return number instanceof Integer
        || number instanceof Long
        || number instanceof BigInteger
        || new BigDecimal(number.toString()).stripTrailingZeros().scale() <= 0;
  }
}
