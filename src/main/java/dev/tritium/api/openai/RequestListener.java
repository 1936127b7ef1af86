package dev.tritium.api.openai;

/** Is told of every HTTP exchange when it has ended; on the thread that ends it, so it is quick. */
@FunctionalInterface
public interface RequestListener {
  /** Called once for an exchange, however it ended: answered, refused, or left by its client. */
  void requestEnded(RequestReport report);
}
