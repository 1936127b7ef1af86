package dev.tritium.tokenizer;

/** Text that is not Unicode: it holds half of a surrogate pair, so that no bytes stand for it. */
public final class InvalidTextException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  InvalidTextException(String message) {
    super(message);
  }
}
