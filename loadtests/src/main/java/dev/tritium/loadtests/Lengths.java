package dev.tritium.loadtests;

import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A distribution of lengths in tokens, by its quantiles; between two of them it is linear.
 *
 * <p>The figures are those of the 19,366 requests of the conversation service in the Azure LLM
 * inference trace 2023 (CC-BY; Patel et al., Splitwise, ISCA 2024), computed from its file. Prompts
 * hold the chat so far. Prompts and answers are drawn apart: the logarithms of their lengths
 * correlate by 0.09 there.
 */
record Lengths(List<Integer> tokens) {
  private static final List<Double> SHARES =
      List.of(0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0);

  static final Lengths PROMPTS =
      new Lengths(List.of(2, 207, 396, 1_020, 1_189, 2_734, 4_083, 4_142, 14_050));
  static final Lengths ANSWERS = new Lengths(List.of(7, 54, 85, 129, 395, 424, 451, 601, 1_000));

  int draw(RandomGenerator random) {
    return at(random.nextDouble());
  }

  /** The length that the given share of all, from 0 to 1, does not exceed. */
  int at(double share) {
    int above = 1;
    while (SHARES.get(above) < share) {
      above++;
    }
    double from = SHARES.get(above - 1);
    double part = (share - from) / (SHARES.get(above) - from);
    return (int) Math.round(tokens.get(above - 1) * (1 - part) + tokens.get(above) * part);
  }
}
