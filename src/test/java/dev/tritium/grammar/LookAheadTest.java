package dev.tritium.grammar;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
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
  void usualDocumentsFindNothingNewInASchemaThatEnds() {
    Object schema =
        Documents.read(
            """
            {"type": "object", "required": ["a", "größe", "c"], "properties": {
              "a": {"type": "string", "minLength": 3, "maxLength": 9},
              "größe": {"type": "array", "items": {"type": "string"}, "maxItems": 4},
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
            Constraint at = grammar.newConstraint();
            for (int left = 1_000; !at.isFinished(); left--) {
              at.accept(drawUsual(at.allowed(left), vocabulary, random));
            }
          }
          assertEquals(found, grammar.bytes());
        });
  }

  /** A token without escapes and parts of longer characters, but for those of the schema. */
  private static int drawUsual(long[] allowed, Vocabulary vocabulary, SplittableRandom random) {
    int token = 0;
    for (int attempt = 0; attempt < 1_000; attempt++) {
      token = Documents.draw(allowed, random);
      String piece = new String(vocabulary.piece(token), ISO_8859_1);
      if (piece.chars().allMatch(c -> c < 0x80 && c != '\\')) {
        break;
      }
    }
    return token;
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
    Configuration inUse = nest(configurations, start, 50, random); // as by an answer that stays
    int forgotten = 0;
    for (int document = 0; document < 100; document++) {
      long before = configurations.bytes();
      var _ = nest(configurations, start, 100, random);
      var _ = nest(configurations, inUse, 50, random);
      forgotten += configurations.bytes() < before ? 1 : 0;
      assertTrue(configurations.bytes() <= Configurations.MAX_BYTES);
      long held = heldBy(start, inUse);
      assertTrue(held < Configurations.MAX_BYTES / 300, () -> held + " configurations");
    }
    assertTrue(forgotten > 5, "forgotten " + forgotten + " times");
  }

  /** After so many more arrays and objects that begin, with a look at all that may follow each. */
  private static Configuration nest(
      Configurations configurations, Configuration from, int depth, SplittableRandom random) {
    Configuration at = from;
    for (int level = 0; level < depth; level++) {
      String begins = level == 0 || random.nextBoolean() ? "{\"a\":" : "[";
      for (byte b : begins.getBytes(UTF_8)) {
        at = configurations.next(at, b);
        for (byte next : configurations.byteOfEachClass()) {
          var _ = configurations.next(at, next);
        }
      }
    }
    return at;
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
