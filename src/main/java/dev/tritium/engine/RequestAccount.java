package dev.tritium.engine;

import org.jspecify.annotations.Nullable;

/**
 * What one request has used so far: written on the engine's thread, complete before the request's
 * last event is published, and read by anybody.
 */
@SuppressWarnings("NonAtomicVolatileUpdate") // one writer
public final class RequestAccount {
  private final int promptTokens;
  private final @Nullable Object trace;
  private volatile int prefilledTokens;
  private volatile int cachedTokens;
  private volatile int answerTokens;
  private volatile boolean begun; // the first of the prompts
  private volatile long queueNanos;
  private volatile long firstTokenNanos;
  private volatile int firstTokens;
  private volatile long lastStepNanos;
  private volatile long computeNanos;
  private volatile double joules;

  /**
   * The account of a request.
   *
   * @param promptTokens of all its prompts, each counted once however many answers it has
   * @param trace what the request's tracer needs to go on; nobody here looks inside
   */
  public RequestAccount(int promptTokens, @Nullable Object trace) {
    this.promptTokens = promptTokens;
    this.trace = trace;
  }

  /** Tokens of all prompts, each prompt counted once. */
  public int promptTokens() {
    return promptTokens;
  }

  /** Prompt tokens that were run. */
  public int prefilledTokens() {
    return prefilledTokens;
  }

  /** Prompt tokens that were not run, because a state after them was there. */
  public int cachedTokens() {
    return cachedTokens;
  }

  /** Tokens that were drawn, of all answers. */
  public int answerTokens() {
    return answerTokens;
  }

  /** Whether the first of its prompts has begun to run. */
  public boolean hasBegun() {
    return begun;
  }

  /** Time from the request's arrival until its first prompt began to run; 0 before. */
  public long queueNanos() {
    return queueNanos;
  }

  /** Time from the request's arrival until its first token was drawn; 0 before. */
  public long firstTokenNanos() {
    return firstTokenNanos;
  }

  /** Tokens that were drawn in the step of the first: one for each answer that began with it. */
  public int firstTokens() {
    return firstTokens;
  }

  /** Time from the request's arrival until the end of the last step it had rows in. */
  public long lastStepNanos() {
    return lastStepNanos;
  }

  /** Its share of the steps' time, by rows. */
  public long computeNanos() {
    return computeNanos;
  }

  /** Energy that was attributed to it; NaN once a part of it is not known. */
  public double joules() {
    return joules;
  }

  public @Nullable Object trace() {
    return trace;
  }

  void addPrefilled(int tokens) {
    prefilledTokens += tokens;
  }

  void addAnswerToken() {
    answerTokens++;
  }

  /**
   * A prompt begins to run, {@code nanos} after the request's arrival.
   *
   * @return whether it is the first of the request's prompts
   */
  public boolean began(long nanos, int cached) {
    boolean first = !begun;
    if (first) {
      queueNanos = nanos;
      begun = true;
    }
    cachedTokens += cached;
    return first;
  }

  /**
   * Takes note of a step it had rows in, which ended {@code nanos} after its arrival.
   *
   * @return whether its first token was drawn in that step
   */
  public boolean stepped(long nanos, long shareOfStep) {
    computeNanos += shareOfStep;
    lastStepNanos = nanos;
    boolean first = firstTokenNanos == 0 && answerTokens > 0;
    if (first) {
      firstTokens = answerTokens;
      firstTokenNanos = nanos;
    }
    return first;
  }

  /** For what measures energy, which sees to it that one thread adds at a time; NaN: unknown. */
  public void addJoules(double share) {
    joules += share;
  }
}
