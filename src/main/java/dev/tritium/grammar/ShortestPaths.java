package dev.tritium.grammar;

import dev.tritium.grammar.Grammar.Arc;
import dev.tritium.grammar.Grammar.Bytes;
import dev.tritium.grammar.Grammar.Call;
import dev.tritium.grammar.Grammar.Epsilon;
import java.util.Arrays;

/**
 * The shortest way from each state to the end of its rule, by bytes that are a token of their own:
 * a way that is always open, with as many tokens as bytes.
 */
final class ShortestPaths {
  /** There is no way. */
  static final int NONE = 1 << 29;

  private final Grammar grammar;
  private final boolean[] byteTokens; // [256]
  private final int[] bytes; // [states]
  private final int[] frames; // [states], the fewest calls within calls on a shortest way

  ShortestPaths(Grammar grammar, boolean[] byteTokens) {
    this.grammar = grammar;
    this.byteTokens = byteTokens;
    bytes = new int[grammar.arcs().length];
    frames = new int[bytes.length];
    Arrays.fill(bytes, NONE);
    Arrays.fill(frames, NONE);
    for (int state = 0; state < bytes.length; state++) {
      if (grammar.ends()[state]) {
        bytes[state] = 0;
        frames[state] = 0;
      }
    }
    relax(bytes, this::bytesBy);
    relax(frames, this::framesBy);
  }

  /** Bytes to the end of the state's rule. */
  int bytes(int state) {
    return bytes[state];
  }

  /** Frames that this way needs above the state's own. */
  int frames(int state) {
    return frames[state];
  }

  private interface ByArc {
    int value(int state, Arc arc);
  }

  /** Lowers values until none can be lowered; most arcs lead to greater numbers, so from behind. */
  private void relax(int[] values, ByArc byArc) {
    boolean lowered = true;
    while (lowered) {
      lowered = false;
      for (int state = values.length - 1; state >= 0; state--) {
        for (Arc arc : grammar.arcs()[state]) {
          int value = byArc.value(state, arc);
          if (value < values[state]) {
            values[state] = value;
            lowered = true;
          }
        }
      }
    }
  }

  private int bytesBy(int state, Arc arc) {
    int after = bytes[arc.to()];
    return switch (arc) {
      case Epsilon _ -> after;
      case Call call -> Math.min(NONE, bytes[call.callee()] + after);
      case Bytes range -> hasToken(range) ? Math.min(NONE, 1 + after) : NONE;
    };
  }

  private boolean hasToken(Bytes range) {
    for (int b = range.low(); b <= range.high(); b++) {
      if (byteTokens[b]) {
        return true;
      }
    }
    return false;
  }

  private int framesBy(int state, Arc arc) {
    if (bytesBy(state, arc) != bytes[state]) {
      return NONE;
    }
    int after = frames[arc.to()];
    return arc instanceof Call call ? Math.max(1 + frames[call.callee()], after) : after;
  }
}
