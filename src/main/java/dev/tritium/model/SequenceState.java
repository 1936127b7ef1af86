package dev.tritium.model;

/** The running state of one sequence inside a model; it is changed by {@code forward} alone. */
public interface SequenceState {
  /** Number of tokens that were run into this state. */
  long tokenCount();

  /** An immutable copy of the state as it is now, which the caller owns. */
  StateSnapshot snapshot();

  /** An independent state that goes on from here. */
  SequenceState copy();
}
