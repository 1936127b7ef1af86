package dev.tritium.grammar;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Masks against all documents of a small language, written down in another way. */
class MaskTest {
  private static final int LONGEST_PIECE = 3; // characters

  @Test
  void aTokenIsAllowedWhereADocumentFollows() {
    check(
        "{'type': 'array', 'items': {'enum': [1, 12]}, 'maxItems': 2}",
        "[]12, ",
        9,
        "\\[((1|12)(, ?(1|12))?)?\\]");
    check("{'enum': ['a', 'ab', 1, [1, 'a']]}", "[]\"ab1,", 9, "\"ab?\"|1|\\[1,\"a\"\\]");
    check("{'type': 'string', 'pattern': '^a(b|1)*$'}", "\"ab1,", 7, "\"a[b1]*\"");
    check("{'type': 'string', 'pattern': 'ab?1'}", "\"ab1", 7, "\"[^\"]*ab?1[^\"]*\"");
    check("{'type': 'string', 'minLength': 2, 'maxLength': 4}", "\"ab1", 7, "\"[^\"]{2,4}\"");
    check(
        "{'type': 'object', 'properties': {'a': {'const': 1}, 'b': {'const': 2}}}",
        "{}\"ab: ,12",
        15,
        "\\{(\"a\": ?1|\"b\": ?2|\"a\": ?1, ?\"b\": ?2)?\\}");
    check(
        "{'type': 'object', 'properties': {'a': {'const': 1}, 'b': {'const': 2}},"
            + " 'required': ['b']}",
        "{}\"ab: ,12",
        15,
        "\\{(\"a\": ?1, ?)?\"b\": ?2\\}");
    check(
        "{'anyOf': [{'type': 'integer', 'minimum': 9, 'maximum': 121}, {'const': '1'}]}",
        "\"129-0",
        4,
        "9|[129][0129]|1[01][0129]|12[01]|\"1\"");
    check("{'type': 'integer', 'minimum': -2, 'maximum': 12}", "-012", 3, "-?[012]|1[012]");
    check(
        "{'type': 'number', 'exclusiveMinimum': 0.5, 'maximum': 1.2}",
        "012.",
        6,
        "0\\.5[012]*[12][012]*|1(\\.[01][012]*|\\.20*)?");
  }

  @Test
  void recursionIsNotUnrolled() {
    check(
        "{'type': 'array', 'items': {'$ref': '#'}}",
        "[],",
        8,
        text -> true,
        text -> {
          try {
            return Documents.JSON.readTree(text).isArray();
          } catch (JsonProcessingException e) {
            return false;
          }
        });
  }

  @Test
  void aSchemaThatTheTokensCannotWriteIsRefused() {
    Vocabulary noBraces = new Vocabulary(new byte[][] {null, {'['}, {']'}}, 0);
    Object schema = Documents.read("{\"type\": \"object\"}");
    assertThrows(SchemaException.class, () -> TokenGrammar.ofSchema(schema, noBraces));
  }

  @SuppressWarnings("JdkObsolete") // hitEnd says whether a text can go on to match
  private static void check(String schema, String alphabet, int budget, String language) {
    Pattern pattern = Pattern.compile(language);
    Predicate<String> begins =
        text -> {
          Matcher matcher = pattern.matcher(text);
          return matcher.matches() || matcher.hitEnd();
        };
    check(schema, alphabet, budget, begins, pattern.asMatchPredicate());
  }

  private static void check(
      String schema,
      String alphabet,
      int budget,
      Predicate<String> begins,
      Predicate<String> document) {
    String json = schema.replace('\'', '"');
    List<String> pieces = pieces(alphabet);
    byte[][] bytes = new byte[pieces.size()][];
    for (int id = 1; id < bytes.length; id++) {
      bytes[id] = pieces.get(id).getBytes(UTF_8);
    }
    NavigableSet<String> documents = new TreeSet<>();
    addDocuments("", alphabet, budget - 1 + LONGEST_PIECE, begins, document, documents);
    Vocabulary vocabulary = new Vocabulary(bytes, 0);
    Constraint start = TokenGrammar.ofSchema(Documents.read(json), vocabulary).newConstraint();
    Set<String> seen = new HashSet<>();
    check(json, "", start, budget, documents, pieces, seen);
    assertTrue(seen.size() > 3, () -> "only " + seen + " of " + json);
  }

  /** The end of a text, each character, and some longer pieces. */
  private static List<String> pieces(String alphabet) {
    SplittableRandom random = new SplittableRandom(1);
    List<String> pieces = new ArrayList<>(List.of("end"));
    alphabet.chars().forEach(c -> pieces.add(Character.toString(c)));
    for (int i = 0; i < 60; i++) {
      StringBuilder piece = new StringBuilder();
      for (int length = random.nextInt(2, LONGEST_PIECE + 1); length > 0; length--) {
        piece.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      pieces.add(piece.toString());
    }
    return pieces;
  }

  private static void addDocuments(
      String text,
      String alphabet,
      int longest,
      Predicate<String> begins,
      Predicate<String> document,
      NavigableSet<String> documents) {
    if (text.length() > longest || !begins.test(text)) {
      return;
    }
    if (document.test(text)) {
      documents.add(text);
    }
    for (int i = 0; i < alphabet.length(); i++) {
      addDocuments(text + alphabet.charAt(i), alphabet, longest, begins, document, documents);
    }
  }

  /** With any number of tokens left that leads to documents which are listed. */
  private static void check(
      String schema,
      String text,
      Constraint at,
      int budget,
      NavigableSet<String> documents,
      List<String> pieces,
      Set<String> seen) {
    if (text.length() >= budget || !seen.add(text)) {
      return;
    }
    int shortest = shortest(text, documents);
    assertEquals(shortest, at.tokensToFinish(), () -> schema + " after " + text);
    assertEquals(shortest == 0, at.isComplete(), () -> schema + " after " + text);
    assertThrows(IllegalArgumentException.class, () -> at.allowed(shortest - 1));
    for (int left = Math.max(1, shortest); left <= budget - text.length(); left++) {
      long[] mask = at.allowed(left);
      for (int id = 0; id < pieces.size(); id++) {
        String after = text + pieces.get(id);
        boolean allowed = id == 0 ? shortest == 0 : shortest(after, documents) <= left - 1;
        String shown = "%s, %d left, after %s: %s".formatted(schema, left, text, pieces.get(id));
        assertEquals(allowed, Documents.isSet(mask, id), shown);
        if (allowed && id > 0) {
          Constraint next = at.fork();
          next.accept(id);
          check(schema, after, next, budget, documents, pieces, seen);
        }
      }
    }
  }

  /** Characters from a text to the nearest document that begins with it. */
  private static int shortest(String text, NavigableSet<String> documents) {
    int least = Integer.MAX_VALUE;
    for (String document : documents.tailSet(text)) {
      if (!document.startsWith(text)) {
        break;
      }
      least = Math.min(least, document.length() - text.length());
    }
    return least;
  }
}
