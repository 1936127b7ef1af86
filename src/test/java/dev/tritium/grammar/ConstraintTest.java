package dev.tritium.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Seeded;
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
          } catch (java.io.IOException e) {
            throw new AssertionError(new String(text, java.nio.charset.StandardCharsets.UTF_8), e);
          }
        });
  }
}
