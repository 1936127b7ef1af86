package dev.tritium.cli;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What {@code bench} found, and how it is shown. Rates are medians of the rounds; {@code best...}
 * is the best round's.
 *
 * @param energy null if it is not counted
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
    Prefill prefill,
    @Nullable Energy energy) {

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

  /**
   * What one sequence costs while it decodes.
   *
   * @param joulesPerToken active energy of the process over all rounds; null if it is not known
   * @param quality measured or estimated
   */
  record Energy(@Nullable Double joulesPerToken, String source, String quality) {}

  /** The same names in snake case: scripts rely on them. */
  String toJson() {
    return Json.of(this);
  }

  /** For people. */
  String toTable() {
    StringBuilder table = new StringBuilder();
    line(table, "%s, %,d parameters", model, parameters);
    line(
        table,
        "%,d bytes of packed ternary weights, %,d bytes of state per sequence",
        memory.weightBytes,
        memory.stateBytesPerSequence);
    line(
        table,
        "kernel %s, %s, %d threads%s%n",
        kernel,
        vectorBits == 0 ? "no vectors" : vectorBits + "-bit vectors",
        threads,
        cpu.name().isEmpty() ? "" : ", " + cpu.name());
    line(table, "%-24s%12s%12s", rounds + " rounds", "median", "best");
    row(
        table,
        "memory read",
        memory.readBytesPerSecond / 1e9,
        memory.bestReadBytesPerSecond / 1e9,
        "GB/s");
    row(
        table,
        "decode, 1 sequence",
        decode.tokensPerSecond,
        decode.bestTokensPerSecond,
        "tokens/s");
    for (BatchedDecode batch : batches) {
      if (batch.rows > 1) {
        row(
            table,
            "decode, " + batch.rows + " sequences",
            batch.tokensPerSecond,
            batch.bestTokensPerSecond,
            String.format(Locale.ROOT, "tokens/s, %.2f times one", batch.speedup));
      }
    }
    row(
        table,
        "prefill, " + prefill.promptTokens + " tokens",
        prefill.tokensPerSecond,
        prefill.bestTokensPerSecond,
        "tokens/s");
    line(
        table,
        "%nOne sequence reads %.1f GB/s of weights, %.2f of the read rate.",
        decode.weightBytesPerSecond / 1e9,
        decode.readRateShare);
    line(
        table,
        "Its time: %.1f %% matrix products, %.1f %% sampling, %.1f %% norms, activations, the rest.",
        100 * decode.matrixShare,
        100 * decode.samplingShare,
        100 * decode.otherShare);
    if (energy != null && energy.joulesPerToken != null) {
      line(
          table,
          "Its energy: %.3g mJ a token, %s (%s).",
          1_000 * energy.joulesPerToken,
          energy.quality,
          energy.source);
    }
    return table.toString();
  }

  private static void row(
      StringBuilder table, String name, double median, double best, String unit) {
    line(table, "%-24s%12.1f%12.1f %s", name, median, best, unit);
  }

  private static void line(StringBuilder table, String format, Object... values) {
    table.append(String.format(Locale.ROOT, format + "%n", values));
  }
}
