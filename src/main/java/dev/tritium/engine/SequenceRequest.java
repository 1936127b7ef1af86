package dev.tritium.engine;

import dev.tritium.grammar.TokenGrammar;
import org.jspecify.annotations.Nullable;

/**
 * One prompt of a request, and what to draw from it.
 *
 * @param prompt token ids, run as they are; at least one
 * @param choice index of its first answer within the request
 * @param answers how many answers are drawn, with the choices from {@code choice} on; at least one.
 *     A choice selects its own random numbers
 * @param cacheSalt prefixes are shared only between prompts of the same salt
 * @param grammar of what an answer must be; null for any text
 */
public record SequenceRequest(
    int[] prompt,
    int choice,
    int answers,
    String cacheSalt,
    Sampling sampling,
    StopRules stop,
    Logprobs logprobs,
    @Nullable TokenGrammar grammar) {
  public SequenceRequest {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("a prompt needs at least one token");
    }
    if (answers < 1) {
      throw new IllegalArgumentException("at least one answer, found " + answers);
    }
    if (grammar != null && stop.maxTokens() < grammar.tokensOfShortest()) {
      throw new IllegalArgumentException(
          "%d tokens for a document that needs %d"
              .formatted(stop.maxTokens(), grammar.tokensOfShortest()));
    }
  }

  /** For answers of any text. */
  public SequenceRequest(
      int[] prompt,
      int choice,
      int answers,
      String cacheSalt,
      Sampling sampling,
      StopRules stop,
      Logprobs logprobs) {
    this(prompt, choice, answers, cacheSalt, sampling, stop, logprobs, null);
  }

  /** For one answer of any text, without a salt. */
  public SequenceRequest(
      int[] prompt, int choice, Sampling sampling, StopRules stop, Logprobs logprobs) {
    this(prompt, choice, 1, "", sampling, stop, logprobs);
  }
}
