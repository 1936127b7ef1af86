package dev.tritium.engine;

import java.util.List;

/**
 * Finds the stop string that is complete first in a text that comes in pieces, however it is cut,
 * and holds back what could still become one. Of two that end together the longer one counts.
 */
final class StopStrings {
  private final List<String> stops;
  private String held = "";
  private boolean found;

  StopStrings(List<String> stops) {
    this.stops = stops;
  }

  /** An independent copy. */
  StopStrings copy() {
    StopStrings copy = new StopStrings(stops);
    copy.held = held;
    copy.found = found;
    return copy;
  }

  /** Takes the next piece and returns the text that is certainly before any stop string. */
  String accept(String piece) {
    if (found) {
      return "";
    }
    String text = held + piece;
    int stopAt = firstStop(text);
    if (stopAt >= 0) {
      found = true;
      held = "";
      return text.substring(0, stopAt);
    }
    int hold = possibleStop(text);
    held = text.substring(hold);
    return text.substring(0, hold);
  }

  /** Whether a stop string was found; the text ends before it. */
  boolean found() {
    return found;
  }

  /** The text that was held back, once nothing more comes. */
  String finish() {
    String rest = held;
    held = "";
    return rest;
  }

  private int firstStop(String text) {
    int first = -1;
    int firstEnd = Integer.MAX_VALUE;
    for (String stop : stops) {
      int at = text.indexOf(stop);
      int end = at + stop.length();
      if (at >= 0 && (end < firstEnd || (end == firstEnd && at < first))) {
        first = at;
        firstEnd = end;
      }
    }
    return first;
  }

  /** Start of the longest tail that some stop string begins with. */
  private int possibleStop(String text) {
    int first = text.length();
    for (String stop : stops) {
      for (int at = Math.max(0, text.length() - stop.length() + 1); at < first; at++) {
        if (stop.startsWith(text.substring(at))) {
          first = at;
        }
      }
    }
    return first;
  }
}
