package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * The JSON of an error: {@code {"error": {"message", "type", "param", "code"}}}, always all four.
 */
public final class ErrorBody {
  private ErrorBody() {}

  static String of(ErrorKind kind, @Nullable String param, String message) {
    ObjectNode body = Json.object();
    ObjectNode error = body.putObject("error");
    error.put("message", message);
    error.put("type", kind.type());
    error.put("param", param);
    error.put("code", kind.code());
    return body.toString();
  }

  /** What a client is told of a failure; the details of an unexpected one stay in the log. */
  public static String of(Throwable failure) {
    return failure instanceof ApiException e
        ? of(e.kind(), e.param(), String.valueOf(e.getMessage()))
        : of(ErrorKind.INTERNAL, null, "the server failed to answer; its log says why");
  }
}
