package dev.tritium.engine;

import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a sampling changes in the logits of one sequence: penalties for the tokens of its prompt and
 * its answer, then biases. Only the tokens concerned are touched.
 */
final class Penalties {
  private final Sampling sampling;
  private final boolean[] inPrompt; // [vocabulary]
  private final int[] inAnswer; // [vocabulary], how often
  private int[] seen; // [seenCount]: each token of the prompt or the answer once
  private int seenCount;
  private final int[] biased; // ids
  private final float[] biases; // of the same

  private Penalties(Sampling sampling, int vocabulary, int[] prompt) {
    this.sampling = sampling;
    this.inPrompt = new boolean[vocabulary];
    this.inAnswer = new int[vocabulary];
    this.seen = new int[16];
    for (int id : prompt) {
      see(id);
      inPrompt[id] = true;
    }
    int n = 0;
    biased = new int[sampling.logitBias().size()];
    biases = new float[biased.length];
    for (Map.Entry<Integer, Double> bias : sampling.logitBias().entrySet()) {
      biased[n] = bias.getKey();
      biases[n++] = bias.getValue().floatValue();
    }
  }

  private Penalties(Penalties origin) {
    sampling = origin.sampling;
    inPrompt = origin.inPrompt;
    inAnswer = origin.inAnswer.clone();
    seen = origin.seen.clone();
    seenCount = origin.seenCount;
    biased = origin.biased;
    biases = origin.biases;
  }

  /** For a sequence with this prompt; null if the sampling leaves the logits as they are. */
  static @Nullable Penalties of(Sampling sampling, int vocabulary, int[] prompt) {
    boolean none =
        sampling.repetitionPenalty() == 1
            && sampling.presencePenalty() == 0
            && sampling.frequencyPenalty() == 0
            && sampling.logitBias().isEmpty();
    return none ? null : new Penalties(sampling, vocabulary, prompt);
  }

  /** An independent copy; what is in the prompt does not change and is shared. */
  Penalties copy() {
    return new Penalties(this);
  }

  /** Counts a token of the answer. */
  void add(int id) {
    see(id);
    inAnswer[id]++;
  }

  private void see(int id) {
    if (inPrompt[id] || inAnswer[id] > 0) {
      return;
    }
    if (seenCount == seen.length) {
      seen = Arrays.copyOf(seen, 2 * seenCount);
    }
    seen[seenCount++] = id;
  }

  /** Changes the logits [vocabulary]. */
  void apply(float[] logits) {
    for (int i = 0; i < seenCount; i++) {
      int id = seen[i];
      double logit = logits[id];
      logit *= logit > 0 ? 1 / sampling.repetitionPenalty() : sampling.repetitionPenalty();
      if (inAnswer[id] > 0) {
        logit -= sampling.presencePenalty() + inAnswer[id] * sampling.frequencyPenalty();
      }
      logits[id] = (float) logit;
    }
    for (int i = 0; i < biased.length; i++) {
      logits[biased[i]] += biases[i];
    }
  }
}
