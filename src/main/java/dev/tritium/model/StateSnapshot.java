package dev.tritium.model;

/**
 * An immutable copy of a sequence's state, from which {@link LanguageModel#restore} makes any
 * number of running ones. It has one owner, who releases it.
 */
public interface StateSnapshot {
  /** Number of tokens that were run into the state. */
  long tokenCount();

  /** Bytes of memory the snapshot holds. */
  long sizeBytes();

  /**
   * The state in a versioned byte form that carries the digest of its model; {@link
   * LanguageModel#readSnapshot} reads it.
   */
  byte[] toBytes();

  /** Gives the memory back; the snapshot must not be used any more. */
  void release();
}
