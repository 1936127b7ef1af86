package dev.tritium.testing;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Draws JSON schemas of all that {@code response_format} covers. The shortest documents of all have
 * far less than 200 bytes.
 */
public final class RandomSchema {
  private static final List<String> NAMES =
      List.of("a", "b", "name", "äöü", "quo\"te", "back\\slash", "漢字", "", "a/b~c", "long name");
  private static final List<String> PATTERNS =
      List.of(
          "^[a-z]{1,8}$",
          "[0-9]+",
          "^(yes|no)$",
          "^\\d{4}-\\d{2}$",
          "^[^\"]*x",
          "^.{0,5}$",
          "\\\\",
          "é|[\\u4e00-\\u9fff]$",
          "^$|^#[0-9a-fA-F]{6}$",
          "^(a(b|c)*)+\\s?$");

  private final SplittableRandom random;
  private final boolean[] referred = new boolean[2];

  public RandomSchema(SplittableRandom random) {
    this.random = random;
  }

  /** A whole schema; its definitions refer to each other and to themselves. */
  public Map<String, Object> draw() {
    Map<String, Object> schema = schema(3);
    Map<String, Object> definitions = new LinkedHashMap<>();
    for (int i = 0; i < referred.length; i++) {
      definitions.put("d" + i, definition());
    }
    schema.put("$defs", definitions);
    return schema;
  }

  /** May refer to itself, behind something that can be left out. */
  private Map<String, Object> definition() {
    Map<String, Object> value = schema(0);
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("type", "object");
    object.put("properties", new LinkedHashMap<>(Map.of("value", value, "next", reference())));
    object.put("required", List.of("value"));
    object.put("additionalProperties", false);
    return object;
  }

  private Map<String, Object> reference() {
    int i = random.nextInt(referred.length);
    referred[i] = true;
    return new LinkedHashMap<>(Map.of("$ref", "#/$defs/d" + i));
  }

  private Map<String, Object> schema(int depth) {
    Map<String, Object> schema = new LinkedHashMap<>();
    if (random.nextInt(5) == 0) {
      schema.put("title", "some title");
    }
    switch (random.nextInt(depth == 0 ? 7 : 13)) {
      case 0 -> addString(schema);
      case 1 -> addNumber(schema, "integer");
      case 2 -> addNumber(schema, "number");
      case 3 -> schema.put("type", random.nextBoolean() ? "boolean" : "null");
      case 4 -> schema.put("enum", values());
      case 5 -> schema.put("const", values().get(0));
      case 6 -> {
        schema.put("type", List.of("string", "integer", "null"));
        schema.put("maxLength", random.nextInt(5));
        schema.put("maximum", random.nextInt(-50, 50));
      }
      case 7, 8, 9 -> addObject(schema, depth);
      case 10 -> addArray(schema, depth);
      case 11 -> {
        List<Object> any = new ArrayList<>();
        for (int i = random.nextInt(1, 4); i > 0; i--) {
          any.add(schema(depth - 1));
        }
        schema.put("anyOf", any);
      }
      default -> schema.putAll(random.nextInt(4) == 0 ? Map.of() : reference());
    }
    return schema;
  }

  private List<Object> values() {
    List<Object> values = new ArrayList<>();
    for (int i = random.nextInt(1, 5); i > 0; i--) {
      values.add(
          switch (random.nextInt(6)) {
            case 0 -> "text \"with\" \\ é\n漢";
            case 1 -> random.nextInt(-1000, 1000);
            case 2 -> random.nextInt(1000) / 8.0;
            case 3 -> random.nextBoolean();
            case 4 -> List.of(1, "two", Map.of("three", 3));
            default -> "v" + random.nextInt(20);
          });
    }
    return values;
  }

  private void addString(Map<String, Object> schema) {
    schema.put("type", "string");
    if (random.nextInt(3) == 0) {
      schema.put("pattern", PATTERNS.get(random.nextInt(PATTERNS.size())));
      return;
    }
    int min = random.nextInt(4);
    if (random.nextBoolean()) {
      schema.put("minLength", min);
    }
    if (random.nextBoolean()) {
      schema.put("maxLength", min + random.nextInt(10));
    }
  }

  private void addNumber(Map<String, Object> schema, String type) {
    schema.put("type", type);
    double low = random.nextInt(-2_000, 2_000) / 16.0;
    if (random.nextBoolean()) {
      schema.put(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low);
    }
    if (random.nextBoolean()) {
      double above = 2 + random.nextInt(1_000) / 16.0;
      schema.put(random.nextBoolean() ? "maximum" : "exclusiveMaximum", low + above);
    }
  }

  private void addObject(Map<String, Object> schema, int depth) {
    schema.put("type", "object");
    if (random.nextInt(6) == 0) {
      if (random.nextBoolean()) {
        schema.put("additionalProperties", schema(depth - 1));
      }
      return;
    }
    Map<String, Object> properties = new LinkedHashMap<>();
    List<String> required = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      String name = NAMES.get(random.nextInt(NAMES.size()));
      properties.put(name, schema(depth - 1));
      if (random.nextBoolean() && !required.contains(name)) {
        required.add(name);
      }
    }
    schema.put("properties", properties);
    schema.put("required", required);
    schema.put("additionalProperties", false);
  }

  private void addArray(Map<String, Object> schema, int depth) {
    schema.put("type", "array");
    if (random.nextInt(4) > 0) {
      schema.put("items", schema(depth - 1));
    }
    int min = random.nextInt(3);
    if (random.nextBoolean()) {
      schema.put("minItems", min);
    }
    if (random.nextBoolean()) {
      schema.put("maxItems", min + random.nextInt(4));
    }
  }
}
