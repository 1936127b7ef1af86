package dev.tritium.grammar;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * A recursive transition network over bytes: each rule is an automaton that may call other rules,
 * itself included. States are numbered over all rules.
 *
 * @param start the state that begins a document
 * @param arcs [states][], what leads on from each state
 * @param ends [states], whether a state ends its rule; nothing leads on from such a state
 * @param repetitions what is counted by states
 */
record Grammar(int start, Arc[][] arcs, boolean[] ends, List<Repetition> repetitions) {

  /**
   * A part that is repeated, and takes at least one byte.
   *
   * @param states [0, most], in which it has been taken so many times
   * @param min times before anything else may follow
   */
  record Repetition(int[] states, int min) {}

  /** A step from one state to another of the same rule. */
  sealed interface Arc {
    int to();
  }

  /** Takes one byte from {@code low} to {@code high}, both included. */
  record Bytes(int low, int high, int to) implements Arc {}

  /** Takes nothing. */
  record Epsilon(int to) implements Arc {}

  /** Takes what the rule takes that begins with state {@code callee}. */
  record Call(int callee, int to) implements Arc {}

  /**
   * For each state [states] one that is like it for so many bytes: all that follows is the same
   * while a repetition is far from both its bounds.
   */
  int[] alike(int bytes) {
    int[] alike = new int[arcs.length];
    Arrays.setAll(alike, state -> state);
    for (Repetition repetition : repetitions) {
      int[] states = repetition.states;
      for (int times = 1; times < states.length - 1 - bytes; times++) {
        if (times < repetition.min - bytes - 1) {
          alike[states[times]] = states[1];
        } else if (times > repetition.min) {
          alike[states[times]] = states[repetition.min + 1];
        }
      }
    }
    return alike;
  }

  /** A class for each byte [256], from 0: no arc tells bytes of one class apart. */
  int[] byteClasses() {
    BitSet begins = new BitSet();
    for (Arc[] ofState : arcs) {
      for (Arc arc : ofState) {
        if (arc instanceof Bytes bytes) {
          begins.set(bytes.low);
          begins.set(bytes.high + 1);
        }
      }
    }
    int[] classes = new int[256];
    for (int b = 1; b < 256; b++) {
      classes[b] = classes[b - 1] + (begins.get(b) ? 1 : 0);
    }
    return classes;
  }
}
