package dev.tritium.tokenizer;

import org.jspecify.annotations.Nullable;

/** A tokenizer that cannot be opened; the message names the file. */
public final class TokenizerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TokenizerException(String message) {
    super(message);
  }

  TokenizerException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
