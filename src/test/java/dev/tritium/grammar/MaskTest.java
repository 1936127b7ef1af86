package dev.tritium.grammar;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Seeded;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MaskTest {
  private static final int LENGTH = 10;

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      textBlock =
          """
          {"type": "array", "items": {"enum": [1, 12]}, "maxItems": 2} ~ \\[((1|12)(, ?(1|12))?)?\\]
          {"type": "array", "items": {"$ref": "#"}, "minItems": 0} ~ NESTED
          {"enum": ["a", "ab", 1, [1]]} ~ "a"|"ab"|1|\\[1\\]
          {"type": "string", "pattern": "^a(b|1)*$"} ~ "a[b1]*"
          {"type": "string", "pattern": "ab?1"} ~ "[^"]*ab?1[^"]*"
          {"type": "string", "minLength": 2, "maxLength": 4} ~ "[^"]{2,4}"
          {"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}} ~ \\{("a": ?1)?\\}|\\{"b": ?2\\}|\\{"a": ?1, ?"b": ?2\\}
          {"anyOf": [{"type": "integer", "minimum": 11, "maximum": 121}, {"const": "1"}]} ~ 1[12]|2[12]|11[12]|12[1]|"1"
          {"type": "integer", "minimum": -2, "maximum": 12} ~ -?1|-?2|1[12]
          {"type": "boolean"} ~ true|false
          """)
  void theMaskIsWhatACompletionExistsFor(String schema, String language) {
    List<byte[]> pieces = new ArrayList<>();
    for (String piece : List.of("\"a", "1,", "12", "[[", "]]", "a\"", ", ", "\": ", "}", "{}", "ab1\"")) {
      pieces.add(piece.getBytes(UTF_8));
    }
    String alphabet = "[]{},: \"ab12-";
    byte[][] all = new byte[1 + alphabet.length() + pieces.size()][];
    for (int i = 0; i < alphabet.length(); i++) {
      all[1 + i] = alphabet.substring(i, i + 1).getBytes(UTF_8);
    }
    for (int i = 0; i < pieces.size(); i++) {
      all[1 + alphabet.length() + i] = pieces.get(i);
    }
    Vocabulary vocabulary = new Vocabulary(all, 0);
    TreeSet<String> documents = new TreeSet<>();
    if (language.equals("NESTED")) {
      addNested(documents, alphabet);
    } else {
      addMatches("", Pattern.compile(language), alphabet, documents);
    }
    if (documents.isEmpty()) { // true and false have letters that are no tokens
      assertThrows(
          SchemaException.class, () -> TokenGrammar.ofSchema(Documents.read(schema), vocabulary));
      return;
    }
    Constraint start = TokenGrammar.ofSchema(Documents.read(schema), vocabulary).newConstraint();
    assertEquals(
        documents.stream().mapToInt(String::length).min().orElseThrow(), start.tokensToFinish());
    int seen = check("", start, documents, all);
    assertTrue(seen >= documents.size(), () -> "places: " + seen);
  }

  /** The texts of at most LENGTH and a token's characters that match. */
  private static void addMatches(
      String begin, Pattern language, String alphabet, TreeSet<String> into) {
    Matcher matcher = language.matcher(begin);
    boolean matches = matcher.matches();
    if (matches) {
      into.add(begin);
    }
    if (begin.length() < LENGTH + 3 && (matches || matcher.hitEnd())) {
      for (char c : alphabet.toCharArray()) {
        if (begin.length() < 6 || "[^".chars().noneMatch(x -> language.pattern().indexOf(x) < 0)) {
          addMatches(begin + c, language, alphabet, into);
        }
      }
    }
  }

  private static void addNested(TreeSet<String> into, String alphabet) {}

  private static int check(String begin, Constraint at, TreeSet<String> documents, byte[][] all) {
    return 0;
  }
}
