package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Requests that take longer than a request may. */
@QuarkusTest
@TestProfile(RequestTimeoutTest.ShortTimeout.class)
class RequestTimeoutTest {
  @TestHTTPResource("/")
  URI uri;

  /** The settings. */
  public static final class ShortTimeout implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of("tritium.request.timeout", "1s");
    }
  }

  @Test
  void theyEndWithAnErrorThatClientsDoNotTryAgain() throws Exception {
    Api api = Api.ready(uri);
    Answer plain = api.post("/v1/completions", endless(false));
    assertEquals(504, plain.status(), plain::toString);
    assertEquals("false", plain.headers().get("x-should-retry"));
    assertEquals("request_timeout", plain.json().at("/error/code").textValue());
    String events = api.post("/v1/completions", endless(true)).body();
    assertFalse(events.contains("[DONE]"), events);
    JsonNode last = Api.JSON.readTree(events.substring(events.lastIndexOf("data: ") + 6));
    assertEquals("request_timeout", last.at("/error/code").textValue(), last::toString);
    Api.await("nothing runs", Duration.ofSeconds(20), () -> api.running() == 0);
  }

  private static String endless(boolean stream) {
    return Api.body("prompt", "Once", "max_tokens", 100_000, "ignore_eos", true, "stream", stream);
  }
}
