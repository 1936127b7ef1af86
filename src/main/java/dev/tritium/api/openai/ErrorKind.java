package dev.tritium.api.openai;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Every error there is: its HTTP status and what OpenAI's clients read of it. */
public enum ErrorKind {
  INVALID_REQUEST(400, "invalid_request_error", null),
  CONTEXT_LENGTH_EXCEEDED(400, "invalid_request_error", "context_length_exceeded"),
  INVALID_API_KEY(401, "invalid_request_error", "invalid_api_key"),
  NOT_FOUND(404, "invalid_request_error", "not_found"),
  MODEL_NOT_FOUND(404, "invalid_request_error", "model_not_found"),
  METHOD_NOT_ALLOWED(405, "invalid_request_error", "method_not_allowed"),
  MODEL_CONFLICT(409, "invalid_request_error", "model_conflict"),
  BODY_TOO_LARGE(413, "invalid_request_error", "body_too_large"),
  UNSUPPORTED_MEDIA_TYPE(415, "invalid_request_error", "unsupported_media_type"),
  QUEUE_FULL(429, "rate_limit_error", "rate_limit_exceeded"),
  INTERNAL(500, "server_error", "internal_error"),
  MODEL_LOADING(503, "server_error", "model_loading"),
  MODEL_FAILED(503, "server_error", "model_failed"),
  SHUTTING_DOWN(503, "server_error", "shutting_down"),
  ENGINE_STOPPED(503, "server_error", "engine_stopped"),
  REQUEST_TIMEOUT(504, "server_error", "request_timeout");

  private final int status;
  private final String type;
  private final @Nullable String code;

  ErrorKind(int status, String type, @Nullable String code) {
    this.status = status;
    this.type = type;
    this.code = code;
  }

  public int status() {
    return status;
  }

  public String type() {
    return type;
  }

  public @Nullable String code() {
    return code;
  }

  /** The name in logs and traces: the code, where it has one. */
  public String label() {
    return code == null ? name().toLowerCase(Locale.ROOT) : code;
  }

  /** Whether the same request may succeed later. */
  public boolean isTemporary() {
    return status == 429 || status == 503;
  }
}
