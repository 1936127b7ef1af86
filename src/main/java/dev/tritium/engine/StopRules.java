package dev.tritium.engine;

import java.util.List;
import java.util.Set;

/**
 * When an answer ends.
 *
 * @param maxTokens tokens of the answer at most
 * @param minTokens tokens of the answer before which no end-of-text, stop token or stop string ends
 *     it
 * @param stopStrings end the answer and are not part of it; none is empty
 * @param stopTokens end the answer, the model's end-of-text ids included unless they are ignored;
 *     their text is not part of it
 */
public record StopRules(
    int maxTokens, int minTokens, List<String> stopStrings, Set<Integer> stopTokens) {
  public StopRules {
    stopStrings = List.copyOf(stopStrings);
    stopTokens = Set.copyOf(stopTokens);
  }
}
