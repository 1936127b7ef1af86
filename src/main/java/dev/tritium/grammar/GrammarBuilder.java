package dev.tritium.grammar;

import dev.tritium.grammar.Grammar.Arc;
import dev.tritium.grammar.Grammar.Bytes;
import dev.tritium.grammar.Grammar.Call;
import dev.tritium.grammar.Grammar.Epsilon;
import dev.tritium.grammar.Grammar.Repetition;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Collects the states of a {@link Grammar}. */
final class GrammarBuilder {
  private static final int MAX_STATES = 50_000;
  static final int NO_MAXIMUM = -1;

  /** A rule's first and last state. */
  record Rule(int start, int end) {}

  /** Adds what is to be repeated between two states. */
  interface Part {
    void add(int from, int to);
  }

  private final List<List<Arc>> arcs = new ArrayList<>(); // by state
  private final List<Rule> rules = new ArrayList<>();
  private final List<Repetition> repetitions = new ArrayList<>();

  /**
   * A new state.
   *
   * @throws SchemaException if there are too many
   */
  int state() {
    if (arcs.size() == MAX_STATES) {
      throw new SchemaException(
          "the schema needs more than %d states: use fewer properties, shorter enums or smaller"
                  .formatted(MAX_STATES)
              + " bounds for lengths and repetitions");
    }
    arcs.add(new ArrayList<>(2));
    return arcs.size() - 1;
  }

  /** A new rule, still empty. No rule may take nothing, and nothing may lead on from its end. */
  Rule rule() {
    Rule rule = new Rule(state(), state());
    rules.add(rule);
    return rule;
  }

  void epsilon(int from, int to) {
    arcs.get(from).add(new Epsilon(to));
  }

  void call(int from, Rule rule, int to) {
    arcs.get(from).add(new Call(rule.start, to));
  }

  /** One byte from {@code low} to {@code high}. */
  void bytes(int from, int low, int high, int to) {
    arcs.get(from).add(new Bytes(low, high, to));
  }

  /** Any one of these ASCII characters. */
  void anyOf(int from, String characters, int to) {
    characters.chars().forEach(c -> bytes(from, c, c, to));
  }

  /** One of these texts; common beginnings share their states. */
  void literals(int from, Iterable<String> texts, int to) {
    Map<Long, Integer> next = new HashMap<>(); // by state and byte
    for (String text : texts) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      int at = from;
      for (int i = 0; i < utf8.length - 1; i++) {
        int b = utf8[i] & 0xFF;
        int state = at;
        at =
            next.computeIfAbsent(
                (long) at << 8 | b,
                key -> {
                  int added = state();
                  bytes(state, b, b, added);
                  return added;
                });
      }
      int last = utf8[utf8.length - 1] & 0xFF;
      bytes(at, last, last, to);
    }
  }

  void literal(int from, String text, int to) {
    literals(from, List.of(text), to);
  }

  /**
   * A part {@code min} to {@code max} times; {@code NO_MAXIMUM} for any number from min on. The
   * part must take at least one byte.
   */
  void repeat(int from, int min, int max, Part part, int to) {
    repetitions.add(new Repetition(repeatAny(from, min, max, part, to), min));
  }

  /**
   * The same for a part that may also take nothing.
   *
   * @return the states in which the part has been taken so many times
   */
  int[] repeatAny(int from, int min, int max, Part part, int to) {
    int[] states = new int[1 + Math.max(min, max)];
    states[0] = from;
    int at = from;
    for (int i = 0; i < min; i++) {
      int next = state();
      part.add(at, next);
      at = next;
      states[i + 1] = at;
    }
    if (max == NO_MAXIMUM) {
      int loop = state();
      epsilon(at, loop);
      part.add(loop, loop);
      at = loop;
    }
    for (int i = min; i < max; i++) {
      epsilon(at, to);
      int next = state();
      part.add(at, next);
      at = next;
      states[i + 1] = at;
    }
    epsilon(at, to);
    return states;
  }

  /** A UTF-8 character from {@code low} to {@code high}, neither of them a surrogate. */
  void codePoints(int from, int low, int high, int to) {
    for (int max : new int[] {0x7F, 0x7FF, 0xD7FF, 0xFFFF}) { // where the length changes
      if (low <= max && high > max) {
        codePoints(from, low, max, to);
        codePoints(from, Math.max(max + 1, max == 0xD7FF ? 0xE000 : 0), high, to);
        return;
      }
    }
    for (int bits = 6; bits <= 18 && high > 0x7F; bits += 6) { // last bytes must be whole ranges
      int mask = (1 << bits) - 1;
      if ((low & ~mask) != (high & ~mask)) {
        int middle = (low & mask) != 0 ? low | mask : (high & ~mask) - 1;
        if ((low & mask) != 0 || (high & mask) != mask) {
          codePoints(from, low, middle, to);
          codePoints(from, middle + 1, high, to);
          return;
        }
      }
    }
    byte[] lows = Character.toString(low).getBytes(StandardCharsets.UTF_8);
    byte[] highs = Character.toString(high).getBytes(StandardCharsets.UTF_8);
    int at = from;
    for (int i = 0; i < lows.length; i++) {
      int next = i == lows.length - 1 ? to : state();
      bytes(at, lows[i] & 0xFF, highs[i] & 0xFF, next);
      at = next;
    }
  }

  /** The grammar of the documents that a rule takes. */
  Grammar build(Rule document) {
    boolean[] ends = new boolean[arcs.size()];
    for (Rule rule : rules) {
      ends[rule.end] = true;
    }
    Arc[][] byState = new Arc[arcs.size()][];
    for (int state = 0; state < byState.length; state++) {
      byState[state] = arcs.get(state).toArray(Arc[]::new);
    }
    return new Grammar(document.start, byState, ends, List.copyOf(repetitions));
  }
}
