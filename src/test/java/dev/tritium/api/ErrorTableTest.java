package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.tritium.api.openai.ApiException;
import dev.tritium.api.openai.ErrorBody;
import dev.tritium.api.openai.ErrorKind;
import dev.tritium.testing.Api;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Clients decide by these values whether to retry and what to raise: they stay as they are. */
class ErrorTableTest {
  @Test
  void everyKindOfErrorKeepsItsStatusTypeAndCode() {
    String table =
        Arrays.stream(ErrorKind.values())
            .map(kind -> "%d %s %s".formatted(kind.status(), kind.type(), kind.code()))
            .collect(Collectors.joining("\n", "", "\n"));
    assertEquals(
        """
        400 invalid_request_error null
        400 invalid_request_error context_length_exceeded
        401 invalid_request_error invalid_api_key
        404 invalid_request_error not_found
        404 invalid_request_error model_not_found
        405 invalid_request_error method_not_allowed
        409 invalid_request_error model_conflict
        413 invalid_request_error body_too_large
        415 invalid_request_error unsupported_media_type
        429 rate_limit_error rate_limit_exceeded
        500 server_error internal_error
        503 server_error model_loading
        503 server_error model_failed
        503 server_error shutting_down
        503 server_error engine_stopped
        504 server_error request_timeout
        """,
        table);
  }

  @Test
  void everyKindOfErrorHasAllFourKeys() throws Exception {
    for (ErrorKind kind : ErrorKind.values()) {
      String body = ErrorBody.of(new ApiException(kind, null, "why"));
      var error = Api.JSON.readTree(body).get("error");
      assertEquals(4, error.size(), body);
      assertEquals("why", error.get("message").textValue(), body);
      assertEquals(kind.code(), error.get("code").textValue(), body);
    }
  }

  @Test
  void clientsAreToldWhenToComeAgainOrThatTheyShouldNot() {
    for (ErrorKind kind : ErrorKind.values()) {
      Map<String, String> headers = ErrorBody.headers(new ApiException(kind, null, "why"));
      boolean temporary = kind.status() == 429 || kind.status() == 503;
      assertEquals(temporary ? "2" : null, headers.get("Retry-After"), kind.name());
      boolean key = kind == ErrorKind.INVALID_API_KEY;
      assertEquals(key ? "Bearer" : null, headers.get("WWW-Authenticate"), kind.name());
      boolean never = kind == ErrorKind.REQUEST_TIMEOUT;
      assertEquals(never ? "false" : null, headers.get("x-should-retry"), kind.name());
    }
  }

  @Test
  void anUnexpectedFailureTellsNothingOfItsInside() {
    String body = ErrorBody.of(new IllegalStateException("secret"));
    assertFalse(body.contains("secret") || body.contains("IllegalState"), body);
  }
}
