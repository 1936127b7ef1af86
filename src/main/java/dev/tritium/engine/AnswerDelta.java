package dev.tritium.engine;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What was added to an answer since the last delta.
 *
 * @param choice index of the answer within its request
 * @param prompt log-probabilities of the prompt's tokens but the first, where they were asked for
 * @param text text that will not change any more; it may lag behind the tokens
 * @param tokens the tokens that were drawn
 * @param finish why the answer ended, or null while it goes on
 */
public record AnswerDelta(
    int choice,
    List<TokenLogprob> prompt,
    String text,
    List<AnswerToken> tokens,
    @Nullable FinishReason finish) {

  /**
   * A token of the answer.
   *
   * @param textOffset UTF-16 length of the answer's decoded text before the token
   * @param logprob where it was asked for
   */
  public record AnswerToken(int id, int textOffset, @Nullable TokenLogprob logprob) {}

  /** This delta and the one after it as one. */
  public AnswerDelta then(AnswerDelta next) {
    return new AnswerDelta(
        choice,
        concat(prompt, next.prompt),
        text + next.text,
        concat(tokens, next.tokens),
        next.finish);
  }

  private static <T> List<T> concat(List<T> first, List<T> second) {
    if (first.isEmpty() || second.isEmpty()) {
      return first.isEmpty() ? second : first;
    }
    List<T> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }
}
