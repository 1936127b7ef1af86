package dev.tritium.engine;

/**
 * A token with its log-probability.
 *
 * @param logprob natural logarithm
 * @param topIds the likeliest tokens at its place, likeliest first, lower ids first among equals
 * @param topLogprobs theirs; the token's own entry, where it is among them, is the same double
 */
public record TokenLogprob(int id, double logprob, int[] topIds, double[] topLogprobs) {}
