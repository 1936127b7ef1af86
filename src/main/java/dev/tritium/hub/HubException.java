package dev.tritium.hub;

/** Why a model cannot be had from the hub or its cache, in one line that says what to do. */
public final class HubException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public HubException(String message) {
    super(message);
  }

  public HubException(String message, Throwable cause) {
    super(message, cause);
  }
}
