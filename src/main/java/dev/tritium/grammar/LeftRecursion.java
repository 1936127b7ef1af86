package dev.tritium.grammar;

import dev.tritium.grammar.Grammar.Arc;
import dev.tritium.grammar.Grammar.Bytes;
import dev.tritium.grammar.Grammar.Call;
import dev.tritium.grammar.Grammar.Epsilon;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/** Finds schemas that are themselves, such as {@code {"$ref": "#"}}: their rules never end. */
final class LeftRecursion {
  private enum Mark {
    UNSEEN,
    ON_THE_WAY,
    DONE
  }

  private LeftRecursion() {}

  /**
   * Checks that no state is reached from itself without a byte, other than within its rule.
   *
   * @throws SchemaException if one is
   */
  static void check(Grammar grammar) {
    Mark[] marks = new Mark[grammar.arcs().length];
    Arrays.fill(marks, Mark.UNSEEN);
    Deque<Integer> way = new ArrayDeque<>();
    for (int state = 0; state < marks.length; state++) {
      way.push(state);
      while (!way.isEmpty()) {
        int at = way.peek();
        if (marks[at] != Mark.UNSEEN) {
          way.pop();
          marks[at] = Mark.DONE;
          continue;
        }
        marks[at] = Mark.ON_THE_WAY;
        for (Arc arc : grammar.arcs()[at]) {
          switch (arc) {
            case Bytes _ -> {}
            case Epsilon epsilon -> {
              if (marks[epsilon.to()] == Mark.UNSEEN) {
                way.push(epsilon.to());
              }
            }
            case Call call -> {
              if (marks[call.callee()] == Mark.ON_THE_WAY) {
                throw new SchemaException(
                    "the schema refers to itself with no object or array between ('$ref', 'anyOf')");
              }
              if (marks[call.callee()] == Mark.UNSEEN) {
                way.push(call.callee());
              }
            }
          }
        }
      }
    }
  }
}
