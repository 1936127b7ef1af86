package dev.tritium.engine;

/**
 * What one request has used so far; written by the engine's thread, complete with the last event.
 */
public final class RequestAccount {
  private volatile int promptTokens;
  private volatile int answerTokens;

  /** Prompt tokens that were run. */
  public int promptTokens() {
    return promptTokens;
  }

  /** Tokens that were drawn. */
  public int answerTokens() {
    return answerTokens;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
  void addPromptTokens(int count) {
    promptTokens += count;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
  void addAnswerToken() {
    answerTokens++;
  }
}
