package dev.tritium.engine;

import java.util.List;

/**
 * A token with its log-probability.
 *
 * @param logprob natural logarithm
 * @param top the likeliest tokens at its place, likeliest first, lower ids first among equals
 */
public record TokenLogprob(int id, double logprob, List<Alternative> top) {
  /** One of the likeliest tokens; for the token itself the log-probability is the same double. */
  public record Alternative(int id, double logprob) {}
}
