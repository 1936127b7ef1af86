package dev.tritium.engine;

/**
 * Which log-probabilities are wanted, of the model's own distribution before penalties and
 * temperature.
 *
 * @param top how many of the likeliest tokens besides the token itself
 * @param answer for each token of the answer
 * @param prompt for each token of the prompt
 */
public record Logprobs(int top, boolean answer, boolean prompt) {
  /** None are wanted. */
  public static final Logprobs NONE = new Logprobs(0, false, false);
}
