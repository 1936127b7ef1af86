package dev.tritium.grammar;

import static dev.tritium.grammar.GrammarBuilder.NO_MAXIMUM;

import dev.tritium.grammar.Pattern.Alternative;
import dev.tritium.grammar.Pattern.Characters;
import dev.tritium.grammar.Pattern.Choice;
import dev.tritium.grammar.Pattern.Node;
import dev.tritium.grammar.Pattern.Repeat;
import dev.tritium.grammar.Pattern.Sequence;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** Reads a {@link Pattern}: literals, classes, groups, quantifiers, alternatives, ^ and $. */
final class PatternParser {
  private static final int MAX_REPETITIONS = 1_000;
  private static final int MAX_GROUPS_DEEP = 50;
  private static final String NOT_LITERAL = "^$\\.*+?()[]{}|";

  private static final BitSet DIGITS = ranges("09");
  private static final BitSet WORD = ranges("09AZaz__");

  /** What every engine takes for white space, and what any does. */
  private static final BitSet SPACE = ranges("\t\r  ");

  private static final BitSet ANY_SPACE =
      ranges(
          "\t\r  \u0085\u0085\u00A0\u00A0\u1680\u1680\u180E\u180E\u2000\u200A\u2028\u2029\u202F"
              + "\u202F\u205F\u205F\u3000\u3000\uFEFF\uFEFF");
  private static final BitSet LINE_ENDS = ranges("\n\n\r\r\u0085\u0085\u2028\u2029");

  private final String text;
  private int at;
  private int depth;

  private PatternParser(String text) {
    this.text = text;
  }

  /**
   * Reads an expression.
   *
   * @throws IllegalArgumentException saying what is not supported, and where
   */
  static Pattern parse(String text) {
    PatternParser parser = new PatternParser(text);
    List<Alternative> alternatives = new ArrayList<>();
    do {
      boolean fromStart = parser.take("^");
      Node node = parser.sequence();
      alternatives.add(new Alternative(fromStart, node, parser.take("$")));
    } while (parser.take("|"));
    if (parser.at < text.length()) {
      throw parser.unsupported(parser.text.substring(parser.at, parser.at + 1));
    }
    return new Pattern(alternatives);
  }

  private static BitSet ranges(String pairs) {
    BitSet set = new BitSet();
    for (int i = 0; i < pairs.length(); i += 2) {
      set.set(pairs.charAt(i), pairs.charAt(i + 1) + 1);
    }
    return set;
  }

  private static BitSet not(BitSet set) {
    BitSet others = new BitSet();
    others.set(0, JsonRules.LAST_CODE_POINT + 1);
    others.andNot(set);
    return others;
  }

  private boolean take(String expected) {
    boolean found = text.startsWith(expected, at);
    at += found ? expected.length() : 0;
    return found;
  }

  private int peek() {
    return at < text.length() ? text.codePointAt(at) : -1;
  }

  private int next() {
    int c = peek();
    if (c < 0) {
      throw new IllegalArgumentException("it ends too early");
    }
    at += Character.charCount(c);
    return c;
  }

  private IllegalArgumentException unsupported(String what) {
    return new IllegalArgumentException(
        "'%s' before position %d is not supported there".formatted(what, at + 1));
  }

  private Node sequence() {
    List<Node> nodes = new ArrayList<>();
    while (at < text.length() && ")|$".indexOf(peek()) < 0) {
      nodes.add(quantified(atom()));
    }
    return nodes.size() == 1 ? nodes.get(0) : new Sequence(nodes);
  }

  private Node quantified(Node node) {
    int min;
    int max;
    if (take("*")) {
      min = 0;
      max = NO_MAXIMUM;
    } else if (take("+")) {
      min = 1;
      max = NO_MAXIMUM;
    } else if (take("?")) {
      min = 0;
      max = 1;
    } else if (take("{")) {
      min = count();
      max = take(",") ? (peek() == '}' ? NO_MAXIMUM : count()) : min;
      if (!take("}") || (max != NO_MAXIMUM && max < min)) {
        throw unsupported("{");
      }
    } else {
      return node;
    }
    var _ = take("?"); // lazy or not, the same texts match
    if ("*+?{".indexOf(peek()) >= 0) {
      throw unsupported(Character.toString(peek()));
    }
    return new Repeat(node, min, max);
  }

  private int count() {
    int from = at;
    while (peek() >= '0' && peek() <= '9' && at < from + 6) {
      at++;
    }
    int count = at == from ? MAX_REPETITIONS + 1 : Integer.parseInt(text, from, at, 10);
    if (count > MAX_REPETITIONS) {
      throw new IllegalArgumentException(
          "a repetition in {} must be a number up to " + MAX_REPETITIONS);
    }
    return count;
  }

  private Node atom() {
    int c = next();
    return switch (c) {
      case '(' -> group();
      case '[' -> new Characters(characterClass());
      case '.' -> new Characters(not(LINE_ENDS));
      case '\\' -> new Characters(escape(false));
      default -> {
        if (NOT_LITERAL.indexOf(c) >= 0) {
          throw unsupported(Character.toString(c));
        }
        yield new Characters(single(c));
      }
    };
  }

  private Node group() {
    if (++depth > MAX_GROUPS_DEEP) {
      throw new IllegalArgumentException("more than %d groups deep".formatted(MAX_GROUPS_DEEP));
    }
    if (!take("?:") && peek() == '?') {
      throw unsupported("(?");
    }
    List<Node> choices = new ArrayList<>();
    do {
      choices.add(sequence());
    } while (take("|"));
    if (!take(")")) {
      throw peek() < 0 ? new IllegalArgumentException("a ) is missing") : unsupported("$");
    }
    depth--;
    return choices.size() == 1 ? choices.get(0) : new Choice(choices);
  }

  private BitSet characterClass() {
    boolean negated = take("^");
    BitSet set = new BitSet();
    while (!take("]")) {
      BitSet low = classAtom(negated);
      if (peek() == '-' && !text.startsWith("-]", at)) {
        at++;
        BitSet high = classAtom(negated);
        if (low.cardinality() != 1 || high.cardinality() != 1 || high.length() < low.length()) {
          throw new IllegalArgumentException("a range in [] is not from one character to another");
        }
        set.set(low.nextSetBit(0), high.length());
      } else {
        set.or(low);
      }
    }
    if (set.isEmpty()) {
      throw unsupported("[]");
    }
    return negated ? not(set) : set;
  }

  private BitSet classAtom(boolean negated) {
    int c = next();
    if (c == '\\') {
      return take("b") ? single('\b') : escape(negated);
    }
    if (c == '[' || (c == '&' && peek() == '&')) { // means more to some engines
      throw unsupported(Character.toString(c));
    }
    return single(c);
  }

  /**
   * The characters that an escape means to every engine.
   *
   * @param negated the ones that it means to any engine instead, for a class of all others
   */
  private BitSet escape(boolean negated) {
    int c = next();
    return switch (c) {
      case 'd' -> DIGITS;
      case 'D' -> not(DIGITS);
      case 'w' -> WORD;
      case 'W' -> not(WORD);
      case 's' -> negated ? ANY_SPACE : SPACE;
      case 'S' -> not(negated ? SPACE : ANY_SPACE);
      case 'n' -> single('\n');
      case 'r' -> single('\r');
      case 't' -> single('\t');
      case 'f' -> single('\f');
      case 'x' -> single(hex(2));
      case 'u' -> single(hex(4));
      default -> {
        if (c >= 0x80 || Character.isLetterOrDigit(c) || c == '_') {
          throw unsupported("\\" + Character.toString(c));
        }
        yield single(c);
      }
    };
  }

  private int hex(int digits) {
    if (at + digits > text.length()) {
      throw new IllegalArgumentException("it ends too early");
    }
    String number = text.substring(at, at + digits);
    if (!number.matches("[0-9a-fA-F]+")) {
      throw unsupported(number);
    }
    at += digits;
    int c = Integer.parseInt(number, 16);
    if (Character.isSurrogate((char) c)) {
      throw unsupported("\\u" + number);
    }
    return c;
  }

  private static BitSet single(int c) {
    BitSet set = new BitSet();
    set.set(c);
    return set;
  }
}
