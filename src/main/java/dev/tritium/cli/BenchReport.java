package dev.tritium.cli;

import java.util.List;

/**
 * What {@code bench} found; its JSON form has the same names in snake case. Rates are medians of
 * the rounds, {@code best} is the best round.
 */
record BenchReport(
    String model,
    long parameters,
    String kernel,
    int vectorBits,
    int threads,
    int rounds,
    Cpu cpu,
    Memory memory,
    Decode decode,
    List<BatchedDecode> batches,
    Prefill prefill) {

  /**
   * @param readBytesPerSecond reading main memory, four streams per thread
   * @param weightBytes packed bytes of all ternary matrices; a decode step reads each once
   */
  record Memory(
      double readBytesPerSecond,
      double bestReadBytesPerSecond,
      long weightBytes,
      long stateBytesPerSequence) {}

  /**
   * One sequence, a token a step.
   *
   * @param readRateShare weight bytes per second over the read rate; above 1 if caches hold them
   * @param matrixShare part of the time in matrix products, their tables included
   * @param samplingShare part of the time in drawing tokens
   * @param otherShare the rest: norms, activations, recurrence, embedding
   */
  record Decode(
      double tokensPerSecond,
      double bestTokensPerSecond,
      double weightBytesPerSecond,
      double readRateShare,
      double matrixShare,
      double samplingShare,
      double otherShare) {}

  /**
   * {@code rows} sequences in one batch.
   *
   * @param speedup tokens per second over those of one sequence
   */
  record BatchedDecode(
      int rows, double tokensPerSecond, double bestTokensPerSecond, double speedup) {}

  /** One prompt on its way to its first token. */
  record Prefill(int promptTokens, double tokensPerSecond, double bestTokensPerSecond) {}
}
