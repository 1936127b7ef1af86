package dev.tritium.engine;

/** Why an answer ended. */
public enum FinishReason {
  /** An end-of-text token, a stop token or a stop string. */
  STOP,
  /** The token limit. */
  LENGTH
}
