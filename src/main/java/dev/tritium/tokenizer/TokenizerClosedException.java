package dev.tritium.tokenizer;

/** A tokenizer was closed before it was used. */
public final class TokenizerClosedException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  TokenizerClosedException() {
    super("the tokenizer is closed");
  }
}
