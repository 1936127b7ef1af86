package dev.tritium.engine;

/**
 * One prompt of a request, and what to draw from it.
 *
 * @param prompt token ids, run as they are; at least one
 * @param choice index of its first answer within the request
 * @param answers how many answers are drawn, with the choices from {@code choice} on; at least one.
 *     A choice selects its own random numbers
 * @param cacheSalt prefixes are shared only between prompts of the same salt
 */
public record SequenceRequest(
    int[] prompt,
    int choice,
    int answers,
    String cacheSalt,
    Sampling sampling,
    StopRules stop,
    Logprobs logprobs) {
  public SequenceRequest {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("a prompt needs at least one token");
    }
    if (answers < 1) {
      throw new IllegalArgumentException("at least one answer, found " + answers);
    }
  }

  /** For one answer, without a salt. */
  public SequenceRequest(
      int[] prompt, int choice, Sampling sampling, StopRules stop, Logprobs logprobs) {
    this(prompt, choice, 1, "", sampling, stop, logprobs);
  }
}
