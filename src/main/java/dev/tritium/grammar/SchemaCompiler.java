package dev.tritium.grammar;

import static dev.tritium.grammar.GrammarBuilder.NO_MAXIMUM;

import dev.tritium.grammar.GrammarBuilder.Rule;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * JSON schema to grammar. Every document that the grammar takes is valid, but not every valid
 * document is taken: properties come in the order of the schema, and none that it does not name
 * where it names any.
 */
final class SchemaCompiler {
  private static final int MAX_SCHEMAS = 5_000;
  private static final int MAX_PROPERTIES = 1_000;

  private static final Map<String, Set<String>> TYPE_KEYWORDS =
      Map.of(
          "object", Set.of("properties", "required", "additionalProperties"),
          "array", Set.of("items", "minItems", "maxItems", "uniqueItems"),
          "string", Set.of("minLength", "maxLength", "pattern"),
          "number", Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
          "boolean", Set.of(),
          "null", Set.of());

  /** A schema whose rule is still empty. */
  private record Open(Schema schema, Rule rule) {}

  private final Schema root;
  private final JsonRules rules = new JsonRules();
  private final GrammarBuilder builder = rules.builder;
  private final IdentityHashMap<Object, Rule> known = new IdentityHashMap<>(); // by schema
  private final Deque<Open> open = new ArrayDeque<>();

  private SchemaCompiler(Schema root) {
    this.root = root;
  }

  /**
   * Compiles a schema.
   *
   * @param schema a map or a boolean; what it holds are maps, lists, strings, numbers, booleans and
   *     null
   * @throws SchemaException naming the keyword that is wrong or not supported, and where it stands
   */
  static Grammar compile(Object schema) {
    Schema root = new Schema(schema, "#");
    SchemaCompiler compiler = new SchemaCompiler(root);
    Rule document = compiler.rule(root);
    while (!compiler.open.isEmpty()) {
      Open next = compiler.open.pop();
      compiler.add(next.schema, next.rule.start(), next.rule.end());
    }
    Grammar grammar = compiler.builder.build(document);
    LeftRecursion.check(grammar);
    return grammar;
  }

  /** The rule of a schema, to be filled later if it is new: schemas may refer to each other. */
  private Rule rule(Schema schema) {
    Rule rule = known.get(schema.value());
    if (schema.value() instanceof Boolean) {
      rule = schema.isFalse() ? builder.rule() : rules.anyValue();
    } else if (rule == null) {
      if (known.size() == MAX_SCHEMAS) {
        throw new SchemaException("the schema holds more than %d schemas".formatted(MAX_SCHEMAS));
      }
      rule = builder.rule();
      known.put(schema.value(), rule);
      open.add(new Open(schema, rule));
    }
    return rule;
  }

  private void add(Schema schema, int from, int to) {
    schema.requireKnown();
    if (schema.has("$ref")) {
      schema.requireAlone("$ref");
      builder.call(from, rule(root.resolve(schema.text("$ref"), schema.at("$ref"))), to);
    } else if (schema.has("anyOf")) {
      schema.requireAlone("anyOf");
      for (Schema one : schema.schemas("anyOf")) {
        builder.call(from, rule(one), to);
      }
    } else if (schema.has("enum")) {
      schema.requireAlone("enum", "type");
      addValues(schema, schema.list("enum"), from, to);
    } else if (schema.has("const")) {
      schema.requireAlone("const", "type");
      List<@Nullable Object> values = new ArrayList<>();
      values.add(schema.get("const"));
      addValues(schema, values, from, to);
    } else {
      addTypes(schema, from, to);
    }
  }

  /** Those of the values that have a type of the schema. */
  private void addValues(Schema schema, List<@Nullable Object> values, int from, int to) {
    Set<String> types = schema.types();
    Set<String> texts = new TreeSet<>();
    for (Object value : values) {
      String type = JsonText.type(value);
      boolean fits =
          types.isEmpty()
              || types.contains(type)
              || (type.equals("integer") && types.contains("number"));
      if (fits) {
        texts.add(Schema.requireUnicode(JsonText.of(value)));
      }
    }
    builder.literals(from, texts, to);
  }

  private void addTypes(Schema schema, int from, int to) {
    Set<String> types = schema.types();
    if (types.isEmpty()) { // then only the types that the keywords speak of
      types = new TreeSet<>();
      for (Map.Entry<String, Set<String>> ofType : TYPE_KEYWORDS.entrySet()) {
        if (ofType.getValue().stream().anyMatch(schema::has)) {
          types.add(ofType.getKey());
        }
      }
    }
    if (types.isEmpty()) {
      builder.call(from, rules.anyValue(), to);
    }
    for (String type : types) {
      switch (type) {
        case "object" -> addObject(schema, from, to);
        case "array" -> addArray(schema, from, to);
        case "string" -> addString(schema, from, to);
        case "number" -> addNumber(schema, false, from, to);
        case "integer" -> addNumber(schema, true, from, to);
        case "boolean" -> builder.literals(from, List.of("true", "false"), to);
        default -> builder.literal(from, "null", to);
      }
    }
  }

  private void addObject(Schema schema, int from, int to) {
    Map<String, Schema> properties = new LinkedHashMap<>(schema.properties());
    Set<String> required = schema.names("required");
    Schema others = schema.child("additionalProperties");
    for (String name : required) {
      if (!properties.containsKey(name) && !others.isFalse()) {
        properties.put(name, others);
      } else if (!properties.containsKey(name)) {
        throw new SchemaException(
            "'required' at %s names '%s', which is no property"
                .formatted(schema.at("required"), Schema.shortened(name)));
      }
    }
    if (properties.size() > MAX_PROPERTIES) {
      throw new SchemaException(
          "'properties' at %s has more than %d".formatted(schema.at("properties"), MAX_PROPERTIES));
    }
    if (properties.isEmpty() && !schema.has("properties") && !others.isFalse()) {
      rules.object(from, rule(others), to);
    } else {
      addMembers(properties, required, from, to);
    }
  }

  /** Members in their order; those that are not required may be left out. */
  private void addMembers(Map<String, Schema> properties, Set<String> required, int from, int to) {
    int open = builder.state();
    int close = builder.state();
    builder.bytes(from, '{', '{', open);
    int missing = required.size(); // of the required ones, from here on
    if (missing == 0) {
      builder.epsilon(open, close);
    }
    int next = builder.state(); // a member must follow
    builder.epsilon(open, next);
    int left = properties.size();
    for (Map.Entry<String, Schema> property : properties.entrySet()) {
      String name = property.getKey();
      int named = builder.state();
      int value = builder.state();
      int after = builder.state();
      int following = builder.state();
      builder.literal(next, Schema.requireUnicode(JsonText.of(name)), named);
      rules.colon(named, value);
      builder.call(value, rule(property.getValue()), after);
      if (required.contains(name)) {
        missing--;
      } else {
        builder.epsilon(next, following);
      }
      if (missing == 0) {
        builder.epsilon(after, close);
      }
      if (--left > 0) {
        rules.comma(after, following);
      }
      next = following;
    }
    builder.bytes(close, '}', '}', to);
  }

  private void addArray(Schema schema, int from, int to) {
    if (schema.flag("uniqueItems")) {
      throw schema.unsupported("uniqueItems");
    }
    int min = schema.count("minItems", 0);
    int max = schema.count("maxItems", NO_MAXIMUM);
    if (max == NO_MAXIMUM || min <= max) {
      rules.array(from, rule(schema.child("items")), min, max, to);
    }
  }

  private void addString(Schema schema, int from, int to) {
    if (!schema.has("pattern")) {
      int min = schema.count("minLength", 0);
      int max = schema.count("maxLength", NO_MAXIMUM);
      if (max == NO_MAXIMUM || min <= max) {
        rules.string(from, min, max, to);
      }
      return;
    }
    for (String keyword : List.of("minLength", "maxLength")) {
      if (schema.has(keyword)) {
        throw new SchemaException(
            "'%s' at %s is not supported beside 'pattern': say it in the pattern, as in ^.{1,9}$"
                .formatted(keyword, schema.at(keyword)));
      }
    }
    try {
      PatternParser.parse(schema.text("pattern")).add(rules, from, to);
    } catch (IllegalArgumentException e) {
      throw new SchemaException(
          "'pattern' at %s: %s".formatted(schema.at("pattern"), e.getMessage()));
    }
  }

  private void addNumber(Schema schema, boolean integers, int from, int to) {
    NumberRange range = schema.range();
    if (range.equals(NumberRange.ANY)) {
      builder.call(from, integers ? rules.anyInteger() : rules.anyNumber(), to);
    } else {
      range.add(builder, from, integers, to);
    }
  }
}
