package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.ws.rs.core.HttpHeaders;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The JSON of an error, {@code {"error": {"message", "type", "param", "code"}}}, always all four,
 * and the headers it goes out with.
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
    ApiException e = ApiException.of(failure);
    return of(e.kind(), e.param(), String.valueOf(e.getMessage()));
  }

  /** The headers, beside the content type, of an error that is answered with its status. */
  public static Map<String, String> headers(ApiException e) {
    Map<String, String> headers = new LinkedHashMap<>();
    if (e.kind().isTemporary()) {
      headers.put(HttpHeaders.RETRY_AFTER, String.valueOf(e.retryAfter().toSeconds()));
    }
    switch (e.kind()) {
      case INVALID_API_KEY -> headers.put(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
      case BODY_TOO_LARGE -> headers.put("Connection", "close"); // the rest is not read
      case SHUTTING_DOWN -> headers.put("Connection", "close"); // the next try finds another server
      case REQUEST_TIMEOUT -> headers.put("x-should-retry", "false"); // it would take as long again
      default -> {}
    }
    return headers;
  }
}
