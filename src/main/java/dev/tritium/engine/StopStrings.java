package dev.tritium.engine;

import java.util.List;

/**
 * Finds the stop string that is complete first in a text that comes in pieces, however it is cut,
 * and holds back what could still become one. Of two that end together the longer one counts.
 */
final class StopStrings {
  private final String[] stops;
  private final StringBuilder held = new StringBuilder();
  private boolean found;

  StopStrings(List<String> stops) {
    this.stops = stops.toArray(String[]::new);
  }

  private StopStrings(StopStrings origin) {
    stops = origin.stops;
    held.append(origin.held);
    found = origin.found;
  }

  /** An independent copy. */
  StopStrings copy() {
    return new StopStrings(this);
  }

  /** Takes the next piece and appends to {@code text} what is certainly before any stop string. */
  void accept(CharSequence piece, StringBuilder text) {
    if (found) {
      return;
    }
    held.append(piece);
    int stopAt = firstStop();
    if (stopAt >= 0) {
      found = true;
      text.append(held, 0, stopAt);
      held.setLength(0);
    } else {
      int hold = possibleStop();
      text.append(held, 0, hold);
      held.delete(0, hold);
    }
  }

  /** Whether a stop string was found; the text ends before it. */
  boolean found() {
    return found;
  }

  /** Appends the text that was held back, once nothing more comes. */
  void finish(StringBuilder text) {
    text.append(held);
    held.setLength(0);
  }

  private int firstStop() {
    int first = -1;
    int firstEnd = Integer.MAX_VALUE;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      int end = at + stop.length();
      if (at >= 0 && (end < firstEnd || (end == firstEnd && at < first))) {
        first = at;
        firstEnd = end;
      }
    }
    return first;
  }

  /** Start of the longest tail that some stop string begins with. */
  private int possibleStop() {
    int first = held.length();
    for (String stop : stops) {
      for (int at = Math.max(0, held.length() - stop.length() + 1); at < first; at++) {
        if (beginsWithTail(stop, at)) {
          first = at;
        }
      }
    }
    return first;
  }

  /** Whether {@code stop}, which is longer than the tail, begins with what is held from there. */
  private boolean beginsWithTail(String stop, int tail) {
    for (int at = tail; at < held.length(); at++) {
      if (held.charAt(at) != stop.charAt(at - tail)) {
        return false;
      }
    }
    return true;
  }
}
