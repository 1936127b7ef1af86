package dev.tritium.scheduler;

/** A request was not taken, or not finished, because the engine is about to end. */
public final class DrainingException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public DrainingException(String message) {
    super(message);
  }
}
