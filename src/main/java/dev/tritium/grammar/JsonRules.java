package dev.tritium.grammar;

import static dev.tritium.grammar.GrammarBuilder.NO_MAXIMUM;

import dev.tritium.grammar.GrammarBuilder.Part;
import dev.tritium.grammar.GrammarBuilder.Rule;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What JSON is made of (RFC 8259). The only white space is at most one space after a comma or a
 * colon.
 */
final class JsonRules {
  private static final String HEX = "0123456789abcdefABCDEF";

  /** All characters but surrogates, which are no characters. */
  static final int LAST_CODE_POINT = Character.MAX_CODE_POINT;

  final GrammarBuilder builder = new GrammarBuilder();
  private final Map<BitSet, Rule> characters = new HashMap<>();
  private @Nullable Rule anyCharacter;
  private @Nullable Rule anyValue;
  private @Nullable Rule anyObject;
  private @Nullable Rule anyNumber;
  private @Nullable Rule anyInteger;

  /** The grammar of all objects. */
  static Grammar objects() {
    JsonRules rules = new JsonRules();
    return rules.builder.build(rules.anyObject());
  }

  void comma(int from, int to) {
    spaced(from, ',', to);
  }

  void colon(int from, int to) {
    spaced(from, ':', to);
  }

  private void spaced(int from, char c, int to) {
    int after = builder.state();
    builder.bytes(from, c, c, after);
    builder.bytes(after, ' ', ' ', to);
    builder.epsilon(after, to);
  }

  /** A string of {@code min} to {@code max} characters. */
  void string(int from, int min, int max, int to) {
    quoted(
        from,
        (open, close) ->
            builder.repeat(open, min, max, (a, b) -> builder.call(a, anyCharacter(), b), close),
        to);
  }

  /** Something in quotes. */
  void quoted(int from, Part content, int to) {
    int open = builder.state();
    int close = builder.state();
    builder.bytes(from, '"', '"', open);
    content.add(open, close);
    builder.bytes(close, '"', '"', to);
  }

  /** {@code min} to {@code max} values in brackets. */
  void array(int from, Rule item, int min, int max, int to) {
    int open = builder.state();
    int close = builder.state();
    builder.bytes(from, '[', '[', open);
    if (min == 0) {
      builder.epsilon(open, close);
    }
    if (max != 0) {
      int first = builder.state();
      builder.call(open, item, first);
      Rule another = builder.rule();
      int next = builder.state();
      comma(another.start(), next);
      builder.call(next, item, another.end());
      int most = max == NO_MAXIMUM ? NO_MAXIMUM : max - 1;
      builder.repeat(
          first, Math.max(0, min - 1), most, (a, b) -> builder.call(a, another, b), close);
    }
    builder.bytes(close, ']', ']', to);
  }

  /** Any number of members with names of their own. */
  void object(int from, Rule value, int to) {
    int open = builder.state();
    int close = builder.state();
    int first = builder.state();
    Part member =
        (a, b) -> {
          int named = builder.state();
          int next = builder.state();
          string(a, 0, NO_MAXIMUM, named);
          colon(named, next);
          builder.call(next, value, b);
        };
    builder.bytes(from, '{', '{', open);
    builder.epsilon(open, close);
    member.add(open, first);
    Part another =
        (a, b) -> {
          int next = builder.state();
          comma(a, next);
          member.add(next, b);
        };
    builder.repeat(first, 0, NO_MAXIMUM, another, close);
    builder.bytes(close, '}', '}', to);
  }

  Rule anyObject() {
    if (anyObject == null) {
      anyObject = builder.rule();
      object(anyObject.start(), anyValue(), anyObject.end());
    }
    return anyObject;
  }

  Rule anyValue() {
    if (anyValue == null) {
      Rule rule = builder.rule();
      anyValue = rule;
      builder.literals(rule.start(), List.of("true", "false", "null"), rule.end());
      string(rule.start(), 0, NO_MAXIMUM, rule.end());
      builder.call(rule.start(), anyNumber(), rule.end());
      array(rule.start(), rule, 0, NO_MAXIMUM, rule.end());
      builder.call(rule.start(), anyObject(), rule.end());
    }
    return anyValue;
  }

  Rule anyNumber() {
    if (anyNumber == null) {
      anyNumber = builder.rule();
      NumberRange.ANY.add(builder, anyNumber.start(), false, anyNumber.end());
    }
    return anyNumber;
  }

  Rule anyInteger() {
    if (anyInteger == null) {
      anyInteger = builder.rule();
      NumberRange.ANY.add(builder, anyInteger.start(), true, anyInteger.end());
    }
    return anyInteger;
  }

  /** One character of a string, as it is or escaped. */
  Rule anyCharacter() {
    if (anyCharacter == null) {
      anyCharacter = builder.rule();
      int from = anyCharacter.start();
      int to = anyCharacter.end();
      BitSet plain = new BitSet();
      plain.set(' ', LAST_CODE_POINT + 1);
      plain.clear('"');
      plain.clear('\\');
      addRaw(from, plain, to);
      int escape = builder.state();
      builder.bytes(from, '\\', '\\', escape);
      builder.anyOf(escape, "\"\\/bfnrt", to);
      int hex = builder.state();
      builder.bytes(escape, 'u', 'u', hex);
      addHex(hex, to);
    }
    return anyCharacter;
  }

  /** Four hexadecimal digits; those of a high surrogate are followed by a low one. */
  private void addHex(int from, int to) {
    int one = builder.state();
    int two = builder.state();
    int three = builder.state();
    builder.anyOf(from, "0123456789abcefABCEF", one); // all but d
    builder.anyOf(one, HEX, two);
    builder.anyOf(two, HEX, three);
    builder.anyOf(three, HEX, to);
    int d = builder.state();
    builder.anyOf(from, "dD", d);
    builder.anyOf(d, "01234567", two);
    int[] high = new int[6]; // two more digits, then \\u and d
    for (int i = 0; i < high.length; i++) {
      high[i] = builder.state();
    }
    builder.anyOf(d, "89abAB", high[0]);
    builder.anyOf(high[0], HEX, high[1]);
    builder.anyOf(high[1], HEX, high[2]);
    builder.anyOf(high[2], "\\", high[3]);
    builder.anyOf(high[3], "u", high[4]);
    builder.anyOf(high[4], "dD", high[5]);
    builder.anyOf(high[5], "cdefCDEF", two);
  }

  /** One of these characters of a string; escaped only where it must be. */
  Rule character(BitSet set) {
    Rule known = characters.get(set);
    if (known != null) {
      return known;
    }
    Rule rule = builder.rule();
    BitSet raw = (BitSet) set.clone();
    for (int c = set.nextSetBit(0); c >= 0 && c <= '\\'; c = set.nextSetBit(c + 1)) {
      if (c < ' ' || c == '"' || c == '\\') {
        raw.clear(c);
        builder.literal(rule.start(), JsonText.character(c), rule.end());
      }
    }
    addRaw(rule.start(), raw, rule.end());
    characters.put((BitSet) set.clone(), rule);
    return rule;
  }

  private void addRaw(int from, BitSet raw, int to) {
    raw.clear(Character.MIN_SURROGATE, Character.MAX_SURROGATE + 1);
    for (int low = raw.nextSetBit(0); low >= 0; ) {
      int after = raw.nextClearBit(low);
      builder.codePoints(from, low, after - 1, to);
      low = raw.nextSetBit(after);
    }
  }
}
