package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What holds for every answer of a server with default settings. */
@QuarkusTest
class EveryAnswerTest {
  private static final String PAGE = "https://example.org";

  @TestHTTPResource("/")
  URI uri;

  @ParameterizedTest
  @CsvSource({
    "POST, /v1/completions, application/json, 200",
    "POST, /v1/completions, text/plain, 415",
    "PUT, /v1/completions, application/json, 405",
    "POST, /tokenize, application/json, 200",
    "GET, /v1/models, application/json, 200",
    "GET, /v1/models/no/such, application/json, 404",
    "GET, /no/such, application/json, 404",
    "GET, /q/health, application/json, 200",
    "GET, /q/health/live, application/json, 200",
    "GET, /q/metrics, application/json, 200",
    "GET, /q/openapi, application/json, 200",
    "GET, /q/openapi.json, application/json, 200",
    "PUT, /q/openapi, application/json, 405",
    "PUT, /q/health, application/json, 405",
    "PUT, /q/metrics, application/json, 405",
    "GET, /q/no/such, application/json, 404",
    "OPTIONS, /v1/completions, application/json, 200"
  })
  void itHasTheRequestsIdAndItsTimeAndNothingForOtherOrigins(
      String method, String path, String type, int status) {
    Api api = Api.ready(uri);
    Answer answer =
        api.send(
            api.request(
                    path,
                    "Content-Type",
                    type,
                    "x-request-id",
                    "mine",
                    "Origin",
                    PAGE,
                    "Access-Control-Request-Method",
                    "POST",
                    "Access-Control-Request-Headers",
                    "authorization")
                .method(method, BodyPublishers.ofString(Api.body("prompt", "A", "max_tokens", 1)))
                .build());
    if (path.equals("/tokenize")) { // it knows no max_tokens
      answer = api.post(path, Api.body("prompt", "A"), "x-request-id", "mine", "Origin", PAGE);
    }
    assertEquals(status, answer.status(), answer::toString);
    assertEquals("mine", answer.headers().get("x-request-id"));
    assertTrue(Long.parseLong(answer.headers().get("openai-processing-ms")) >= 0);
    String headers = answer.headers().toString();
    assertTrue(
        answer.headers().keySet().stream().noneMatch(name -> name.startsWith("access-control-")),
        headers);
  }
}
