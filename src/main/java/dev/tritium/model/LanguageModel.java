package dev.tritium.model;

import java.util.OptionalInt;

/**
 * A loaded model. One thread at a time calls {@link #forward}; the other methods may be called from
 * any thread.
 */
public interface LanguageModel extends AutoCloseable {
  /** The sizes of the model, as {@code inspect} shows them. */
  ModelDescription description();

  /** Tokens a sequence may have in all, or empty when the model has no limit. */
  OptionalInt maxTokens();

  /** Bytes of the packed ternary matrices, which every step reads once. */
  long weightBytes();

  /** Bytes of state of one sequence after {@code tokens} tokens. */
  long stateBytes(long tokens);

  /** The state before the first token. */
  SequenceState newState();

  /** A running state that goes on where the snapshot was taken. */
  SequenceState restore(StateSnapshot snapshot);

  /**
   * Reads {@link StateSnapshot#toBytes}.
   *
   * @throws IllegalArgumentException if the bytes are damaged, of another version or of another
   *     model
   */
  StateSnapshot readSnapshot(byte[] bytes);

  /**
   * Runs the rows of all groups and fills in their logits and snapshots. A row's result does not
   * depend on the other rows of the batch nor on how its sequence was cut into calls.
   *
   * @throws IllegalArgumentException if a token id is not in the vocabulary; no state has changed
   *     then
   */
  void forward(Batch batch);

  /** Frees the weights. */
  @Override
  void close();
}
