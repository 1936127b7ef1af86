package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.AccessLines;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Requests that take longer than a request may. */
@QuarkusTest
@TestProfile(AccessLogTest.Logged.class)
class RequestTimeoutTest {
  @TestHTTPResource("/")
  URI uri;

  @Test
  void theyEndWithAnErrorThatClientsDoNotTryAgainAndAreLoggedAsTimeouts() throws Exception {
    Api api = Api.ready(uri);
    try (AccessLines lines = AccessLines.listen();
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      Future<Answer> streamed = other.submit(() -> post(api, "late-1", endless(true)));
      Answer plain = post(api, "late-2", endless(false));
      assertEquals(504, plain.status(), plain::toString);
      assertEquals("false", plain.headers().get("x-should-retry"));
      assertEquals("request_timeout", plain.json().at("/error/code").textValue());
      String events = streamed.get().body();
      assertFalse(events.contains("[DONE]"), events);
      JsonNode last = Api.JSON.readTree(events.substring(events.lastIndexOf("data: ") + 6));
      assertEquals("request_timeout", last.at("/error/code").textValue(), last::toString);

      assertEquals(200, lines.of("late-1").get("status").intValue());
      assertEquals(504, lines.of("late-2").get("status").intValue());
      for (String id : List.of("late-1", "late-2")) {
        assertEquals("timeout", lines.of(id).get("outcome").textValue());
        assertEquals("request_timeout", lines.of(id).get("error").textValue());
        assertTrue(lines.of(id).get("completion_tokens").intValue() > 0);
      }
    }
    Api.await("nothing runs", Duration.ofSeconds(20), () -> AccessLogTest.running(api) == 0);
  }

  private static Answer post(Api api, String id, String body) {
    return api.post(
        "/v1/completions", body, "x-request-id", id, "Authorization", "Bearer sk-secret");
  }

  private static String endless(boolean stream) {
    return Api.body("prompt", "Once", "max_tokens", 100_000, "ignore_eos", true, "stream", stream);
  }
}
