package dev.tritium.engine;

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
   * @param textOffset UTF-16 length of the answer's decoded text before the token; 0 without
   *     log-probabilities
   * @param logprob where it was asked for
   */
  public record AnswerToken(int id, int textOffset, @Nullable TokenLogprob logprob) {}
}
