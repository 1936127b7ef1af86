package dev.tritium.grammar;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Seeded;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConstraintTest {
  @Test
  void aForkGoesItsOwnWay() {
    Constraint constraint = Documents.ofSchema("{\"enum\": [\"a\", \"b\"]}");
    constraint.accept('"');
    Constraint fork = constraint.fork();
    fork.accept('a');
    fork.accept('"');
    assertTrue(fork.isFinished());
    assertEquals(2, constraint.tokensToFinish());
    assertTrue(Documents.isSet(constraint.allowed(2), 'b'));
  }

  @Test
  void theEndOfTheTextIsAllowedWhenTheDocumentIsComplete() {
    Constraint constraint = Documents.ofSchema("{\"type\": \"integer\"}");
    constraint.accept('-');
    assertFalse(Documents.isSet(constraint.allowed(9), Documents.END));
    assertThrows(IllegalArgumentException.class, () -> constraint.accept(Documents.END));
    constraint.accept('1');
    assertTrue(Documents.isSet(constraint.allowed(9), Documents.END));
    assertTrue(Documents.isSet(constraint.allowed(1), '2'));
    constraint.accept(Documents.END);
    assertTrue(constraint.isComplete());
    assertFalse(constraint.isFinished());
  }

  @Test
  void withoutAnEndOfTextTheFirstWholeDocumentIsTheLast() {
    Vocabulary digits = new Vocabulary(new byte[][] {{'1'}, null, {'-'}, {}});
    Constraint constraint =
        TokenGrammar.ofSchema(Documents.read("{\"type\": \"integer\"}"), digits).newConstraint();
    assertEquals(0b101, constraint.allowed(5)[0]);
    constraint.accept(0);
    assertTrue(constraint.isFinished());
  }

  @Test
  void aTokenThatDoesNotFitIsRefused() {
    Constraint constraint = Documents.ofSchema("{\"type\": \"boolean\"}");
    assertThrows(IllegalArgumentException.class, () -> constraint.accept('x'));
    assertThrows(IllegalArgumentException.class, () -> constraint.accept(Documents.END));
    assertEquals(4, constraint.tokensToFinish());
  }

  @Test
  void tooFewTokensAreRefused() {
    Constraint constraint = Documents.ofSchema("{\"const\": 1234}");
    assertThrows(IllegalArgumentException.class, () -> constraint.allowed(3));
    assertEquals(1, Documents.count(constraint.allowed(4)));
  }

  @Test
  void anyNumberOfTokensLeftEndsAnObject() {
    Seeded.check(
        300,
        random -> {
          Vocabulary vocabulary = Documents.mixed(random);
          Constraint constraint = TokenGrammar.ofJsonObject(vocabulary).newConstraint();
          byte[] text = Documents.walk(constraint, vocabulary, random.nextInt(2, 100), random);
          assertTrue(constraint.isComplete());
          try {
            assertTrue(Documents.JSON.readTree(text).isObject());
          } catch (IOException e) {
            throw new AssertionError(new String(text, UTF_8), e);
          }
        });
  }

  @Test
  void masksAreSharedOnlyWhereTheyAreTheSame() {
    Object schema =
        Documents.read(
            """
            {"type": "object", "properties": {
              "a": {"type": "string", "minLength": 30, "maxLength": 70},
              "b": {"anyOf": [{"type": "string", "minLength": 40}, {"type": "string", "pattern": "^(ab?|x){5,50}$"}]},
              "c": {"type": "array", "minItems": 15, "maxItems": 40, "items": {"type": ["integer", "string"], "maxLength": 20}}},
             "required": ["a", "b", "c"]}
            """);
    Seeded.check(
        4,
        random -> {
          Vocabulary vocabulary = Documents.mixed(random);
          TokenGrammar grammar = TokenGrammar.ofSchema(schema, vocabulary);
          Constraint constraint = grammar.newConstraint();
          List<Integer> tokens = new ArrayList<>();
          for (int left = 1_000; !constraint.isFinished(); left--) {
            long[] mask = constraint.allowed(left);
            Constraint alone = TokenGrammar.ofSchema(schema, vocabulary).newConstraint();
            tokens.forEach(alone::accept);
            assertArrayEquals(alone.allowed(left), mask, () -> "after " + tokens);
            assertArrayEquals(
                alone.allowed(Math.max(1, alone.tokensToFinish())),
                constraint.allowed(Math.max(1, constraint.tokensToFinish())),
                () -> "to finish after " + tokens);
            int token = Documents.draw(mask, random);
            if (token == '"' || token == ']') { // less often: longer strings and arrays
              token = Documents.draw(mask, random);
            }
            tokens.add(token);
            constraint.accept(token);
          }
          assertTrue(tokens.size() > 40, () -> tokens.size() + " tokens");
        });
  }

  @Test
  void aSchemaThatIsTooMuchWorkStillEnds() {
    List<Object> strings = new ArrayList<>();
    for (int i = 0; i < 900; i++) {
      strings.add(Map.of("type", "string", "minLength", i % 20, "maxLength", 20 + i % 15));
    }
    Seeded.check(
        1,
        random -> {
          Vocabulary vocabulary = Documents.mixed(random);
          Object schema = Map.of("anyOf", strings);
          Constraint constraint = TokenGrammar.ofSchema(schema, vocabulary).newConstraint();
          byte[] text = Documents.walk(constraint, vocabulary, 30, random);
          assertTrue(constraint.isComplete(), () -> new String(text, UTF_8));
        });
  }
}
