package dev.tritium.grammar;

import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Everything that may be true after the bytes so far: all states, each with its stack, in which a
 * byte may follow. What was found out about it is kept with it.
 */
final class Configuration {
  /** A state in which bytes may follow, and the frames below it. */
  record Position(int state, @Nullable Frame below) {}

  final Set<Position> positions;
  final boolean complete; // whether the bytes so far are a document
  final int bytesToFinish;
  final @Nullable Configuration[] next; // [byte classes], null where it was not asked for yet
  @Nullable TokenMask mask;
  int walk; // the last that came by, see TokenGrammar

  Configuration(Set<Position> positions, boolean complete, int bytesToFinish, int byteClasses) {
    this.positions = positions;
    this.complete = complete;
    this.bytesToFinish = bytesToFinish;
    this.next = new Configuration[byteClasses];
  }

  /** Forgets what was found out. */
  void forget() {
    Arrays.fill(next, null);
    mask = null;
  }

  /** Whether no document begins with the bytes so far. */
  boolean isDead() {
    return bytesToFinish >= ShortestPaths.NONE;
  }
}
