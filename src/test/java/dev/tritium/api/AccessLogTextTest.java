package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.server.MeasuredEnergyTest;
import dev.tritium.testing.AccessLines;
import dev.tritium.testing.Api;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.Test;

/** An access log that is asked for what clients and models wrote. */
@QuarkusTest
@TestProfile(MeasuredEnergyTest.WithCounters.class)
class AccessLogTextTest {
  @TestHTTPResource("/")
  URI uri;

  @Test
  void itHasTheBodyAsSentAndTheTextOfEveryAnswer() {
    Api api = Api.ready(uri);
    try (AccessLines lines = AccessLines.listen()) {
      for (boolean stream : new boolean[] {false, true}) {
        String id = "text-" + stream;
        String body =
            Api.body("prompt", "Sch\u00f6n", "n", 2, "seed", 1, "max_tokens", 8, "stream", stream);
        api.post("/v1/completions", body, "x-request-id", id);
        JsonNode plain =
            api.ask("/v1/completions", "prompt", "Sch\u00f6n", "n", 2, "seed", 1, "max_tokens", 8);
        JsonNode line = lines.of(id);
        assertEquals(body, line.get("request").textValue());
        assertEquals(plain.get("choices").findValuesAsText("text"), texts(line), line::toString);
        assertFalse(lines.all().getFirst().contains("\u00f6"), "ASCII");
      }
    }
  }

  @Test
  void aRequestThatIsRefusedHasNoAnswers() {
    Api api = Api.ready(uri);
    try (AccessLines lines = AccessLines.listen()) {
      api.post("/v1/chat/completions", "{\"nonsense", "x-request-id", "refused");
      JsonNode line = lines.of("refused");
      assertEquals("{\"nonsense", line.get("request").textValue());
      assertEquals(List.of(), texts(line));
    }
  }

  private static List<String> texts(JsonNode line) {
    return line.get("answers").valueStream().map(JsonNode::textValue).toList();
  }
}
