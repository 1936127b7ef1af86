package dev.tritium.api.openai;

import dev.tritium.scheduler.DrainingException;
import dev.tritium.scheduler.QueueFullException;
import dev.tritium.scheduler.RequestTimeoutException;
import dev.tritium.tokenizer.TokenizerClosedException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A request that is answered with an error; the message is for the client's eyes. */
public final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private static final Duration RETRY_AFTER = Duration.ofSeconds(2);

  private final ErrorKind kind;
  private final @Nullable String param;
  private final Duration retryAfter;

  /**
   * An error about the request as a whole, or about one parameter.
   *
   * @param param the parameter's name, such as {@code logit_bias}
   */
  public ApiException(ErrorKind kind, @Nullable String param, String message) {
    this(kind, param, message, RETRY_AFTER);
  }

  private ApiException(
      ErrorKind kind, @Nullable String param, String message, Duration retryAfter) {
    super(message);
    this.kind = kind;
    this.param = param;
    this.retryAfter = retryAfter;
  }

  /** A parameter that is wrong. */
  static ApiException invalid(@Nullable String param, String message) {
    return new ApiException(ErrorKind.INVALID_REQUEST, param, message);
  }

  /** What a client is told of a failure; the details of an unexpected one stay in the log. */
  static ApiException of(Throwable failure) {
    return switch (failure) {
      case ApiException e -> e;
      case QueueFullException e ->
          new ApiException(
              ErrorKind.QUEUE_FULL, null, e.getMessage() + "; try again later", e.retryAfter());
      case DrainingException e ->
          new ApiException(ErrorKind.SHUTTING_DOWN, null, String.valueOf(e.getMessage()));
      case TokenizerClosedException e -> // it was being unloaded when the request came
          new ApiException(ErrorKind.MODEL_NOT_FOUND, "model", "the model was just unloaded");
      case RequestTimeoutException e ->
          new ApiException(ErrorKind.REQUEST_TIMEOUT, null, String.valueOf(e.getMessage()));
      default ->
          new ApiException(
              ErrorKind.INTERNAL, null, "the server failed to answer; its log says why");
    };
  }

  public ErrorKind kind() {
    return kind;
  }

  public @Nullable String param() {
    return param;
  }

  /** How long to wait before another try, where one may succeed. */
  public Duration retryAfter() {
    return retryAfter;
  }
}
