package dev.tritium.api.openai;

import org.jspecify.annotations.Nullable;

/** A request that is answered with an error; the message is for the client's eyes. */
public final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final ErrorKind kind;
  private final @Nullable String param;

  /**
   * An error about the request as a whole, or about one parameter.
   *
   * @param param the parameter's name, such as {@code logit_bias}
   */
  public ApiException(ErrorKind kind, @Nullable String param, String message) {
    super(message);
    this.kind = kind;
    this.param = param;
  }

  /** A parameter that is wrong. */
  static ApiException invalid(@Nullable String param, String message) {
    return new ApiException(ErrorKind.INVALID_REQUEST, param, message);
  }

  public ErrorKind kind() {
    return kind;
  }

  public @Nullable String param() {
    return param;
  }
}
