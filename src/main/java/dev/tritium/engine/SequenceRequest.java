package dev.tritium.engine;

/**
 * What one sequence is to do.
 *
 * @param prompt token ids, run as they are; at least one
 * @param choice index of the answer within its request; it selects its own random numbers
 */
public record SequenceRequest(
    int[] prompt, int choice, Sampling sampling, StopRules stop, Logprobs logprobs) {
  public SequenceRequest {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("a prompt needs at least one token");
    }
  }

  /** The same as another choice. */
  public SequenceRequest withChoice(int other) {
    return new SequenceRequest(prompt, other, sampling, stop, logprobs);
  }
}
