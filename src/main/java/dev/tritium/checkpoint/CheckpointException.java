package dev.tritium.checkpoint;

/**
 * A checkpoint that cannot be loaded; the message names the file, the tensor or key, what was found
 * and what was expected.
 */
public final class CheckpointException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CheckpointException(String message) {
    super(message);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
