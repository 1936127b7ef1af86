package dev.tritium.grammar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.RandomSchema;
import dev.tritium.testing.Seeded;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What is found out before it is needed, and how much of it is kept. */
class LookAheadTest {
  private static final long NO_LIMIT = Long.MAX_VALUE;

  @Test
  void masksMadeAheadAreThoseMadeOnTheWay() {
    Seeded.check(
        200,
        random -> {
          Map<String, Object> schema = new RandomSchema(random).draw();
          Vocabulary vocabulary = Documents.mixed(random);
          TokenGrammar prepared = TokenGrammar.ofSchema(schema, vocabulary);
          prepared.lookAhead();
          Constraint ahead = prepared.newConstraint();
          Constraint onTheWay = TokenGrammar.ofSchema(schema, vocabulary).newConstraint();
          for (int left = 100; !ahead.isFinished(); left--) {
            for (long budget : new long[] {left, Math.max(1, ahead.tokensToFinish())}) {
              assertArrayEquals(
                  onTheWay.allowed(budget), ahead.allowed(budget), () -> "of " + schema);
            }
            int token = Documents.draw(ahead.allowed(left), random);
            if (token == Documents.END) {
              break;
            }
            ahead.accept(token);
            onTheWay.accept(token);
          }
        });
  }

  @Test
  void documentsFindNothingNewInASchemaThatEnds() {
    Object schema =
        Documents.read(
            """
            {"type": "object", "required": ["a", "b", "c"], "properties": {
              "a": {"type": "string", "minLength": 3, "maxLength": 9},
              "b": {"type": "array", "items": {"type": "string"}, "maxItems": 4},
              "c": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"}}}
            """);
    Seeded.check(
        5,
        random -> {
          Vocabulary vocabulary = Documents.mixed(random);
          TokenGrammar grammar = TokenGrammar.ofSchema(schema, vocabulary);
          long compiled = grammar.bytes();
          grammar.lookAhead(NO_LIMIT);
          long found = grammar.bytes();
          assertTrue(found > compiled, () -> "only " + found);
          for (int document = 0; document < 20; document++) {
            Documents.walk(grammar.newConstraint(), vocabulary, 200, random);
          }
          assertEquals(found, grammar.bytes());
        });
  }

  @Test
  void itIsOverWithTheFirstConstraint() {
    TokenGrammar grammar = TokenGrammar.ofJsonObject(Documents.vocabulary());
    var _ = grammar.newConstraint();
    long bytes = grammar.bytes();
    grammar.lookAhead();
    assertEquals(bytes, grammar.bytes());
  }

  @Test
  void aSchemaWithoutEndLeavesRoomForItsDocuments() {
    TokenGrammar grammar = TokenGrammar.ofJsonObject(Documents.mixed(new SplittableRandom(1)));
    grammar.lookAhead(NO_LIMIT);
    long found = grammar.bytes();
    assertTrue(found < Configurations.MAX_BYTES * 3 / 4, () -> found + " bytes");
  }

  @Test
  void whatDocumentsFindIsForgottenBeforeItIsTooMuch() {
    SplittableRandom random = new SplittableRandom(2);
    Configurations configurations = new Configurations(JsonRules.objects(), Documents.vocabulary());
    Configuration start = configurations.start();
    Configuration longDocument = start; // holds on to what it reached, as an answer does
    int forgotten = 0;
    for (int round = 0; round < 60; round++) {
      long before = configurations.bytes();
      Configuration at = start;
      for (int step = 0; step < 500; step++) {
        at = deeper(configurations, at, random);
        longDocument = deeper(configurations, longDocument, random);
      }
      forgotten += configurations.bytes() < before ? 1 : 0;
      assertTrue(configurations.bytes() <= Configurations.MAX_BYTES);
      long held = heldBy(start, longDocument);
      assertTrue(held < 50_000, () -> held + " configurations");
    }
    assertTrue(forgotten > 2, "forgotten " + forgotten + " times");
  }

  /** After another byte, rather one that nests. */
  private static Configuration deeper(
      Configurations configurations, Configuration at, SplittableRandom random) {
    List<Configuration> next = configurations.successors(at);
    if (next.isEmpty()) {
      return configurations.start();
    }
    Configuration one = next.get(random.nextInt(next.size()));
    Configuration other = next.get(random.nextInt(next.size()));
    return one.bytesToFinish > other.bytesToFinish ? one : other;
  }

  /** Configurations that can be reached without making one. */
  private static int heldBy(Configuration... roots) {
    Set<Configuration> seen = new HashSet<>(List.of(roots));
    Deque<Configuration> open = new ArrayDeque<>(seen);
    while (!open.isEmpty()) {
      for (Configuration next : open.pop().next) {
        if (Objects.nonNull(next) && seen.add(next)) {
          open.push(next);
        }
      }
    }
    return seen.size();
  }
}
