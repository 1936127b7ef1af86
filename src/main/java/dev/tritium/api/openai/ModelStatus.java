package dev.tritium.api.openai;

import java.util.Locale;

/** What becomes of a model between its being asked for and its end. */
public enum ModelStatus {
  /** Waits to be loaded, is loaded or warmed up. */
  LOADING,
  /** Answers requests. */
  READY,
  /** Could not be loaded. */
  FAILED,
  /** Takes no more requests, and goes when those it has are done. */
  UNLOADING;

  /** The name in answers and metrics. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
