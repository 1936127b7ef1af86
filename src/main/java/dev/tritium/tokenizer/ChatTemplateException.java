package dev.tritium.tokenizer;

import org.jspecify.annotations.Nullable;

/** A chat template that is broken, asks for too much, or refuses the messages. */
public final class ChatTemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ChatTemplateException(String message) {
    super(message);
  }

  ChatTemplateException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
