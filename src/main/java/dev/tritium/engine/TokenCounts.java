package dev.tritium.engine;

/** Which tokens a sequence holds: those of its prompt, and how often each stands in its answer. */
final class TokenCounts {
  private final boolean[] inPrompt; // [vocabulary]
  private final int[] inAnswer; // [vocabulary]

  private TokenCounts(boolean[] inPrompt, int[] inAnswer) {
    this.inPrompt = inPrompt;
    this.inAnswer = inAnswer;
  }

  TokenCounts(int vocabulary, int[] prompt) {
    this(new boolean[vocabulary], new int[vocabulary]);
    for (int id : prompt) {
      inPrompt[id] = true;
    }
  }

  /** An independent copy; what is in the prompt does not change and is shared. */
  TokenCounts copy() {
    return new TokenCounts(inPrompt, inAnswer.clone());
  }

  void add(int id) {
    inAnswer[id]++;
  }

  /** Applies the penalties to the logits [vocabulary]. */
  void penalise(float[] logits, Sampling sampling) {
    for (int id = 0; id < inAnswer.length; id++) {
      int count = inAnswer[id];
      if (count > 0 || inPrompt[id]) {
        double logit = logits[id];
        logit *= logit > 0 ? 1 / sampling.repetitionPenalty() : sampling.repetitionPenalty();
        if (count > 0) {
          logit -= sampling.presencePenalty() + count * sampling.frequencyPenalty();
        }
        logits[id] = (float) logit;
      }
    }
  }

  /** Whether a sampling has penalties, and so a sequence needs counts at all. */
  static boolean needed(Sampling sampling) {
    return sampling.repetitionPenalty() != 1
        || sampling.presencePenalty() != 0
        || sampling.frequencyPenalty() != 0;
  }
}
