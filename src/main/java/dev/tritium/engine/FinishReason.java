package dev.tritium.engine;

/** Why an answer ended. */
public enum FinishReason {
  /** An end-of-text token, a stop token or a stop string; or the document is whole. */
  STOP,
  /** The token limit. */
  LENGTH
}
