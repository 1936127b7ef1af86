package dev.tritium.grammar;

import static dev.tritium.grammar.GrammarBuilder.NO_MAXIMUM;

import dev.tritium.grammar.GrammarBuilder.Part;
import java.util.BitSet;
import java.util.List;

/**
 * A regular expression of a schema: the part of ECMA-262 that is also regular in theory.
 *
 * @param alternatives at least one
 */
record Pattern(List<Alternative> alternatives) {

  /** What is matched from the beginning of a text, to its end, or anywhere in it. */
  record Alternative(boolean fromStart, Node node, boolean toEnd) {}

  /** A part of an expression. */
  sealed interface Node {}

  /** One of these characters. */
  record Characters(BitSet set) implements Node {}

  record Sequence(List<Node> nodes) implements Node {}

  record Choice(List<Node> nodes) implements Node {}

  record Repeat(Node node, int min, int max) implements Node {}

  /** Adds the strings that match, quotes included. */
  void add(JsonRules rules, int from, int to) {
    Part any = (a, b) -> rules.builder.call(a, rules.anyCharacter(), b);
    for (Alternative alternative : alternatives) {
      rules.quoted(
          from,
          (open, close) -> {
            int begin = open;
            int end = close;
            if (!alternative.fromStart) {
              begin = rules.builder.state();
              rules.builder.repeat(open, 0, NO_MAXIMUM, any, begin);
            }
            if (!alternative.toEnd) {
              end = rules.builder.state();
              rules.builder.repeat(end, 0, NO_MAXIMUM, any, close);
            }
            add(rules, alternative.node, begin, end);
          },
          to);
    }
  }

  private static void add(JsonRules rules, Node node, int from, int to) {
    GrammarBuilder builder = rules.builder;
    switch (node) {
      case Characters characters -> builder.call(from, rules.character(characters.set), to);
      case Choice choice -> choice.nodes.forEach(one -> add(rules, one, from, to));
      case Sequence sequence -> {
        int at = from;
        for (Node part : sequence.nodes) {
          int next = builder.state();
          add(rules, part, at, next);
          at = next;
        }
        builder.epsilon(at, to);
      }
      case Repeat repeat when takesNothing(repeat.node) -> {
        Part part = (a, b) -> add(rules, repeat.node, a, b);
        var _ = builder.repeatAny(from, repeat.min, repeat.max, part, to);
      }
      case Repeat repeat ->
          builder.repeat(from, repeat.min, repeat.max, (a, b) -> add(rules, repeat.node, a, b), to);
    }
  }

  /** Whether the empty text matches. */
  private static boolean takesNothing(Node node) {
    return switch (node) {
      case Characters _ -> false;
      case Choice choice -> choice.nodes.stream().anyMatch(Pattern::takesNothing);
      case Sequence sequence -> sequence.nodes.stream().allMatch(Pattern::takesNothing);
      case Repeat repeat -> repeat.min == 0 || takesNothing(repeat.node);
    };
  }
}
