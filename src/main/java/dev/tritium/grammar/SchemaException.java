package dev.tritium.grammar;

/** A JSON schema that cannot be a constraint; the message names the keyword and where it stands. */
public final class SchemaException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public SchemaException(String message) {
    super(message);
  }
}
