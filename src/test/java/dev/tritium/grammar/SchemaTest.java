package dev.tritium.grammar;

import static dev.tritium.grammar.Documents.ofSchema;
import static dev.tritium.grammar.Documents.takes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Seeded;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SchemaTest {
  private static final Constraint OBJECT =
      TokenGrammar.ofJsonObject(Documents.vocabulary()).newConstraint();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"a\":1}",
        "{\"a\": -0.5e+3, \"b\": [true, false, null, {\"\": \"\"}]}",
        "{\"é漢😀\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\\ud7ff\"}",
        "{\"delete \u007F\": \"\uE000 \uFFFF \uDBFF\uDFFF\"}"
      })
  void anObjectHoldsAnyJson(String text) {
    assertTrue(takes(OBJECT, text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        " {}",
        "{} ",
        "{ }",
        "{\"a\" : 1}",
        "{\"a\":  1}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":tru}"
      })
  void whatIsNotJsonIsNotTaken(String text) {
    assertFalse(takes(OBJECT, text));
  }

  @Test
  void bytesAreUtf8() {
    int[][] wrong = {
      {0x80},
      {0xC0},
      {0xC1},
      {0xE0, 0x9F},
      {0xED, 0xA0},
      {0xF0, 0x8F},
      {0xF4, 0x90},
      {0xF5},
      {0xC3, '"'}
    };
    for (int[] bytes : wrong) {
      Constraint at = ofSchema("{\"type\": \"string\"}");
      at.accept('"');
      for (int i = 0; i < bytes.length - 1; i++) {
        at.accept(bytes[i]);
      }
      int last = bytes[bytes.length - 1];
      assertFalse(Documents.isSet(at.allowed(100), last), Integer.toHexString(last));
    }
  }

  @Test
  void propertiesComeInTheirOrder() {
    Constraint constraint =
        ofSchema(
            """
            {"type": "object", "properties": {"b": {"type": "null"}, "a": {"type": "null"}, "c": {"type": "null"}},
             "required": ["a", "d"]}
            """);
    assertTrue(takes(constraint, "{\"b\":null,\"a\":null,\"c\":null,\"d\":[1]}"));
    assertTrue(takes(constraint, "{\"a\": null, \"d\": {}}"));
    assertFalse(takes(constraint, "{\"a\":null,\"b\":null,\"d\":1}"));
    assertFalse(takes(constraint, "{\"b\":null,\"d\":1}"));
    assertFalse(takes(constraint, "{\"a\":null,\"d\":1,\"e\":1}"));
    assertEquals("{'a':null,'d':0}".length(), constraint.tokensToFinish());
  }

  @Test
  void lengthsCountCodePoints() {
    Constraint constraint = ofSchema("{\"type\": \"string\", \"minLength\": 2, \"maxLength\": 3}");
    assertTrue(takes(constraint, "\"😀é\""));
    assertTrue(takes(constraint, "\"\\ud83d\\ude00\\n漢\""));
    assertFalse(takes(constraint, "\"😀\""));
    assertFalse(takes(constraint, "\"abcd\""));
  }

  @Test
  void referencesAndTypesAreFollowed() {
    Constraint constraint =
        ofSchema(
            """
            {"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"type": ["array", "null"], "items": {"$ref": "#/$defs/list/anyOf/1"}},
             "list": {"anyOf": [true, {"maximum": 3}]}}}
            """);
    assertTrue(takes(constraint, "null"));
    assertTrue(takes(constraint, "[1, 2.5]"));
    assertFalse(takes(constraint, "[4]"));
    assertFalse(takes(constraint, "3"));
  }

  @Test
  void nestingIsBoundedAndStillEnds() {
    Constraint constraint = ofSchema("{\"type\": \"array\", \"items\": {\"$ref\": \"#\"}}");
    int depth = 0;
    while (Documents.isSet(constraint.allowed(100_000), '[')) {
      constraint.accept('[');
      depth++;
    }
    assertTrue(depth > 100 && depth < 1_000, "nesting of " + depth);
    assertEquals(depth, constraint.tokensToFinish());
    for (; depth > 0; depth--) {
      constraint.allowed(depth);
      constraint.accept(']');
    }
    assertTrue(constraint.isFinished());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      textBlock =
          """
          {"type": "string", "format": "date"} ~ 'format' at #/format
          {"properties": {"a": {"multipleOf": 2}}} ~ 'multipleOf' at #/properties/a/multipleOf
          {"items": {"anyOf": [{"allOf": []}]}} ~ 'allOf' at #/items/anyOf/0/allOf
          {"oneOf": []} ~ 'oneOf' at #/oneOf
          {"not": {}} ~ 'not' at #/not
          {"patternProperties": {}} ~ 'patternProperties' at #/patternProperties
          {"prefixItems": []} ~ 'prefixItems' at #/prefixItems
          {"type": "array", "uniqueItems": true} ~ 'uniqueItems' at #/uniqueItems
          {"type": "array", "items": [{}]} ~ the schema at #/items
          {"$ref": "http://example.org"} ~ '$ref' at #/$ref
          {"$ref": "#/$defs/a"} ~ '$ref' at #/$ref: there is no #/$defs/a
          {"$ref": "#"} ~ refers to itself
          {"anyOf": [{"type": "null"}, {"$ref": "#"}]} ~ refers to itself
          {"type": "object", "anyOf": []} ~ 'type' at #/type is not supported beside 'anyOf'
          {"enum": []} ~ 'enum' at #/enum must be
          {"enum": ["a"], "minLength": 1} ~ 'minLength' at #/minLength is not supported beside 'enum'
          {"type": "text"} ~ 'type' at #/type must be
          {"type": "string", "maxLength": -1} ~ 'maxLength' at #/maxLength must be
          {"type": "string", "maxLength": 1e9} ~ 'maxLength' at #/maxLength must be
          {"type": "string", "pattern": "(?=a)"} ~ 'pattern' at #/pattern: '(?'
          {"type": "string", "pattern": "a\\\\1"} ~ 'pattern' at #/pattern
          {"type": "string", "pattern": "^[^\\\\s\\\\S]$"} ~ no document fits
          {"type": "string", "pattern": "(^a)"} ~ 'pattern' at #/pattern: '^'
          {"type": "string", "pattern": "a{9999}"} ~ 'pattern' at #/pattern: a repetition
          {"type": "string", "pattern": "((a{1000}){1000}){1000}"} ~ more than 50000 states
          {"type": "string", "pattern": "a", "maxLength": 3} ~ 'maxLength' at #/maxLength is not supported beside 'pattern'
          {"type": "integer", "minimum": 1e99} ~ 'minimum' at #/minimum must be
          {"type": "object", "required": ["a"], "additionalProperties": false} ~ 'required' at #/required names 'a'
          {"type": "string", "minLength": 3, "maxLength": 2} ~ no document fits
          {"type": "integer", "minimum": 1.2, "maximum": 1.8} ~ no document fits
          false ~ no document fits
          {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}} ~ no document fits
          """)
  void whatIsNotSupportedIsRefusedByName(String schema, String message) {
    SchemaException e = assertThrows(SchemaException.class, () -> ofSchema(schema));
    assertTrue(String.valueOf(e.getMessage()).contains(message), e::getMessage);
  }

  @Test
  void tooManySchemasAreRefused() {
    Map<String, Object> properties = new LinkedHashMap<>();
    for (int i = 0; i < 1_001; i++) {
      properties.put("p" + i, Map.of("type", "null", "title", "" + i));
    }
    assertThrows(
        SchemaException.class,
        () -> TokenGrammar.ofSchema(Map.of("properties", properties), Documents.vocabulary()));
  }

  @Test
  void annotationsSayNothing() {
    assertTrue(
        takes(
            ofSchema(
                """
                {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "x", "title": "t", "description": "d",
                 "default": 1, "examples": [], "$comment": "c", "deprecated": true, "definitions": {}, "type": "boolean"}
                """),
            "true"));
  }

  @Test
  void numbersAreWithinTheirBounds() {
    Seeded.check(
        200,
        random -> {
          Map<String, Object> schema = new LinkedHashMap<>();
          boolean integers = random.nextBoolean();
          schema.put("type", integers ? "integer" : "number");
          BigDecimal low = BigDecimal.valueOf(random.nextInt(-2500, 2500), random.nextInt(3));
          BigDecimal high = low.add(BigDecimal.valueOf(random.nextInt(100, 3000), 2));
          boolean above = random.nextBoolean();
          boolean below = random.nextBoolean();
          boolean hasLow = random.nextInt(4) > 0;
          boolean hasHigh = random.nextInt(4) > 0;
          if (hasLow) {
            schema.put(above ? "exclusiveMinimum" : "minimum", low);
          }
          if (hasHigh) {
            schema.put(below ? "exclusiveMaximum" : "maximum", high);
          }
          Constraint constraint;
          try {
            constraint = TokenGrammar.ofSchema(schema, Documents.vocabulary()).newConstraint();
          } catch (SchemaException e) { // no integer between the two
            assertTrue(
                integers && high.subtract(low).compareTo(BigDecimal.ONE) <= 0, e::getMessage);
            return;
          }
          for (int i = 0; i < 300; i++) {
            int scale = integers ? 0 : random.nextInt(4);
            int near = random.nextInt(3);
            BigDecimal base = near == 0 ? low : near == 1 ? high : BigDecimal.ZERO;
            BigDecimal value =
                base.add(BigDecimal.valueOf(random.nextInt(-150, 150), scale))
                    .setScale(scale, RoundingMode.FLOOR);
            boolean inside =
                (!hasLow || value.compareTo(low) >= (above ? 1 : 0))
                    && (!hasHigh || value.compareTo(high) <= (below ? -1 : 0));
            String text = value.toPlainString();
            assertEquals(inside, takes(constraint, text), () -> text + " in " + schema);
          }
        });
  }

  @Test
  void whatIsExcludedIsSoAsADoubleToo() {
    Map<String, Object> schema =
        Map.of("type", "number", "exclusiveMinimum", 10, "exclusiveMaximum", 100);
    for (String number : new String[] {"10.000000000001", "55.5", "99.999999999999"}) {
      assertTrue(takes(constraintOf(schema), number), number);
    }
    for (String number : new String[] {"10.0000000000000001", "99.999999999999999"}) {
      assertFalse(takes(constraintOf(schema), number), number); // 10.0 and 100.0
    }
  }

  @Test
  void patternsMatchWhatTheyDoInJava() {
    String[] patterns = {
      "^a+b?$",
      "b",
      "^(ab|ba){1,2}$",
      "[^a]b$",
      "^[a-b]*1|2$",
      "^\\d?\\w\\W",
      "^.$",
      "\\s",
      "^(a|(b1)*)+$",
      "^a{2,}$",
      "\\\\",
      "^\\x61\\u0062$",
      "é",
      "[é-ü]",
      "^[^\\d\\s]{2}$",
      "(?:a|^)$|^$",
      "a??b",
      "^[\\]\\-a-]+$",
      "\""
    };
    String[] characters = {"a", "b", "1", "2", " ", "é", "-", "]", "\\", "\"", "漢", "😀", "\t"};
    for (String pattern : patterns) {
      Map<String, Object> schema = Map.of("type", "string", "pattern", pattern);
      if (pattern.contains("|^)")) {
        assertThrows(
            SchemaException.class, () -> TokenGrammar.ofSchema(schema, Documents.vocabulary()));
        continue;
      }
      Constraint constraint = TokenGrammar.ofSchema(schema, Documents.vocabulary()).newConstraint();
      java.util.regex.Pattern inJava = java.util.regex.Pattern.compile(pattern);
      Seeded.check(
          500,
          random -> {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(6); i > 0; i--) {
              text.append(characters[random.nextInt(random.nextBoolean() ? 3 : characters.length)]);
            }
            String json = JsonText.of(text.toString());
            assertEquals(
                inJava.matcher(text).find(), takes(constraint, json), () -> pattern + " " + json);
          });
    }
  }

  @Test
  void whatIsNoWhiteSpaceIsNoneToAnyEngine() {
    for (String pattern : new String[] {"^\\S$", "^[^\\s]$", "^[^\\d\\s]$"}) {
      Constraint constraint = ofPattern(pattern);
      assertTrue(takes(constraint, "\"é\""), pattern);
      for (String space : new String[] {" ", "\u00A0", "\u2005", "\u2028", "\u3000", "\uFEFF"}) {
        assertFalse(takes(constraint, "\"" + space + "\""), pattern);
      }
    }
    assertTrue(takes(ofPattern("^[^\\S]$"), "\" \""));
    assertFalse(takes(ofPattern("^[^\\S]$"), "\"\u180E\"")); // white space to some alone
  }

  private static Constraint ofPattern(String pattern) {
    return constraintOf(Map.of("type", "string", "pattern", pattern));
  }

  private static Constraint constraintOf(Map<String, Object> schema) {
    return TokenGrammar.ofSchema(schema, Documents.vocabulary()).newConstraint();
  }
}
