package dev.tritium.grammar;

import java.math.BigDecimal;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One schema of a document, and its keywords as they must be.
 *
 * @param value a map or a boolean
 * @param path the pointer to it, for messages
 */
record Schema(Object value, String path) {
  private static final int MAX_COUNT = 10_000;

  /** Say nothing about what is valid. */
  private static final Set<String> ANNOTATIONS =
      Set.of(
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "$schema",
          "$id",
          "$defs",
          "definitions",
          "$comment");

  private static final Set<String> ASSERTIONS =
      Set.of(
          "type",
          "enum",
          "const",
          "anyOf",
          "$ref",
          "properties",
          "required",
          "additionalProperties",
          "items",
          "minItems",
          "maxItems",
          "uniqueItems",
          "minLength",
          "maxLength",
          "pattern",
          "minimum",
          "maximum",
          "exclusiveMinimum",
          "exclusiveMaximum");

  private static final List<String> TYPES =
      List.of("object", "array", "string", "number", "integer", "boolean", "null");

  Schema {
    if (!(value instanceof Map) && !(value instanceof Boolean)) {
      throw new SchemaException(
          "the schema at %s must be an object or a boolean".formatted(shortened(path)));
    }
  }

  static String shortened(String text) {
    return text.length() <= 200 ? text : text.substring(0, 200) + "...";
  }

  private Map<?, ?> map() {
    return value instanceof Map<?, ?> map ? map : Map.of();
  }

  boolean isFalse() {
    return value.equals(false);
  }

  boolean has(String keyword) {
    return map().containsKey(keyword);
  }

  @Nullable Object get(String keyword) {
    return map().get(keyword);
  }

  /** Where a keyword stands. */
  String at(String keyword) {
    return shortened(path + "/" + keyword);
  }

  SchemaException unsupported(String keyword) {
    return new SchemaException(
        "'%s' at %s is not supported".formatted(shortened(keyword), at(keyword)));
  }

  private SchemaException wrong(String keyword, String expected) {
    return new SchemaException("'%s' at %s must be %s".formatted(keyword, at(keyword), expected));
  }

  /** Requires that every keyword is supported. */
  void requireKnown() {
    for (Object key : map().keySet()) {
      String keyword = String.valueOf(key);
      if ((!ASSERTIONS.contains(keyword) && !ANNOTATIONS.contains(keyword))
          || (keyword.equals("$id") && !path.equals("#"))) { // it would change what $ref means
        throw unsupported(keyword);
      }
    }
  }

  /** Requires that nothing but annotations and {@code beside} stands beside a keyword. */
  void requireAlone(String keyword, String... beside) {
    for (Object key : map().keySet()) {
      String other = String.valueOf(key);
      if (!other.equals(keyword)
          && !ANNOTATIONS.contains(other)
          && Stream.of(beside).noneMatch(other::equals)) {
        throw new SchemaException(
            "'%s' at %s is not supported beside '%s'".formatted(other, at(other), keyword));
      }
    }
  }

  String text(String keyword) {
    if (get(keyword) instanceof String text) {
      return requireUnicode(text);
    }
    throw wrong(keyword, "a string");
  }

  List<@Nullable Object> list(String keyword) {
    if (get(keyword) instanceof List<?> list && !list.isEmpty()) {
      return new ArrayList<>(list);
    }
    throw wrong(keyword, "an array that is not empty");
  }

  /** The schemas of a list. */
  List<Schema> schemas(String keyword) {
    List<Schema> schemas = new ArrayList<>();
    for (Object schema : list(keyword)) {
      schemas.add(of(schema, path + "/" + keyword + "/" + schemas.size()));
    }
    return schemas;
  }

  private static Schema of(@Nullable Object value, String path) {
    return new Schema(value == null ? "null" : value, path);
  }

  /** The schema that a keyword has; where it is not given, one that takes everything. */
  Schema child(String keyword) {
    return has(keyword) ? of(get(keyword), at(keyword)) : new Schema(true, at(keyword));
  }

  Map<String, Schema> properties() {
    Map<String, Schema> properties = new LinkedHashMap<>();
    if (has("properties")) {
      if (!(get("properties") instanceof Map<?, ?> map)) {
        throw wrong("properties", "an object");
      }
      map.forEach(
          (name, schema) ->
              properties.put(
                  String.valueOf(name), of(schema, shortened(path) + "/properties/" + name)));
    }
    return properties;
  }

  /** A list of names, in their order. */
  Set<String> names(String keyword) {
    Set<String> names = new LinkedHashSet<>();
    if (has(keyword)) {
      if (!(get(keyword) instanceof List<?> list)
          || !list.stream().allMatch(String.class::isInstance)) {
        throw wrong(keyword, "an array of strings");
      }
      list.forEach(name -> names.add((String) name));
    }
    return names;
  }

  /** The types that are named, none if the keyword is not there. */
  Set<String> types() {
    Set<String> types =
        get("type") instanceof String type ? new TreeSet<>(Set.of(type)) : names("type");
    if (!TYPES.containsAll(types) || (has("type") && types.isEmpty())) {
      throw wrong("type", "one or more of " + String.join(", ", TYPES));
    }
    if (types.contains("number")) {
      types.remove("integer");
    }
    return types;
  }

  boolean flag(String keyword) {
    if (!has(keyword)) {
      return false;
    }
    if (get(keyword) instanceof Boolean flag) {
      return flag;
    }
    throw wrong(keyword, "true or false");
  }

  int count(String keyword, int absent) {
    if (!has(keyword)) {
      return absent;
    }
    String expected = "an integer from 0 to " + MAX_COUNT;
    BigDecimal count = number(keyword, expected);
    if (count.signum() < 0
        || count.compareTo(BigDecimal.valueOf(MAX_COUNT)) > 0
        || count.stripTrailingZeros().scale() > 0) {
      throw wrong(keyword, expected);
    }
    return count.intValue();
  }

  private BigDecimal number(String keyword, String expected) {
    if (get(keyword) instanceof Number number) {
      BigDecimal exact = new BigDecimal(number.toString());
      if (exact.precision() <= NumberRange.MAX_BOUND_DIGITS
          && Math.abs(exact.scale()) <= NumberRange.MAX_BOUND_DIGITS) {
        return exact;
      }
    }
    throw wrong(keyword, expected);
  }

  /** What minimum, maximum and their exclusive forms leave. */
  NumberRange range() {
    BigDecimal min = bound("minimum");
    BigDecimal above = bound("exclusiveMinimum");
    BigDecimal max = bound("maximum");
    BigDecimal below = bound("exclusiveMaximum");
    boolean lowExcluded = above != null && (min == null || above.compareTo(min) >= 0);
    boolean highExcluded = below != null && (max == null || below.compareTo(max) <= 0);
    return new NumberRange(
        lowExcluded ? above : min, lowExcluded, highExcluded ? below : max, highExcluded);
  }

  private @Nullable BigDecimal bound(String keyword) {
    return has(keyword)
        ? number(keyword, "a number of at most %d digits".formatted(NumberRange.MAX_BOUND_DIGITS))
        : null;
  }

  /** The schema that a reference within this document means. */
  Schema resolve(String reference, String at) {
    if (!reference.equals("#") && !reference.startsWith("#/")) {
      throw new SchemaException(
          "'$ref' at %s must be \"#\" or begin with \"#/\", found \"%s\""
              .formatted(at, shortened(reference)));
    }
    Object target = value;
    String[] parts = reference.equals("#") ? new String[0] : reference.substring(2).split("/", -1);
    for (String part : parts) {
      String key = unescape(part);
      if (target instanceof Map<?, ?> map && map.get(key) != null) {
        target = map.get(key);
      } else if (target instanceof List<?> list
          && key.matches("[0-9]{1,5}")
          && Integer.parseInt(key) < list.size()
          && list.get(Integer.parseInt(key)) != null) {
        target = list.get(Integer.parseInt(key));
      } else {
        throw new SchemaException(
            "'$ref' at %s: there is no %s".formatted(at, shortened(reference)));
      }
    }
    return new Schema(target, reference);
  }

  private static String unescape(String part) {
    try {
      String plain = URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
      return plain.replace("~1", "/").replace("~0", "~");
    } catch (IllegalArgumentException e) {
      return part;
    }
  }

  /** A text, unless it holds half of a surrogate pair. */
  static String requireUnicode(String text) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw new SchemaException("the schema holds half of a surrogate pair");
    }
    return text;
  }
}
