package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusMock;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a server answers while its model is loading. */
@QuarkusTest
@SuppressWarnings("NullAway.Init") // injected
class ModelLoadingTest {
  @TestHTTPResource("/")
  URI uri;

  @Inject TritiumConfig config;
  @Inject SharedEngine engine;

  @Test
  void requestsAreToldToComeAgainAndReadinessSaysNo() {
    Api api = Api.ready(uri);
    ModelRegistry loading = new ModelRegistry(engine, config);
    loading.add(ModelReference.parse("slow=models/slow"), true).loaded(0.5);
    QuarkusMock.installMockForType(loading, ModelRegistry.class);
    Object messages = List.of(Map.of("role", "user", "content", "Hi"));
    for (Answer answer :
        List.of(
            api.post("/v1/completions", Api.body("prompt", "A")),
            api.post("/v1/chat/completions", Api.body("messages", messages, "stream", true)),
            api.post("/tokenize", Api.body("prompt", "A", "model", "slow")))) {
      assertEquals(503, answer.status(), answer::toString);
      int seconds = Integer.parseInt(answer.headers().get("retry-after"));
      assertTrue(seconds > 0 && seconds < 60, answer::toString);
      JsonNode error = answer.json().get("error");
      assertEquals(4, error.size(), error::toString);
      assertEquals("server_error", error.get("type").textValue());
      assertEquals("model_loading", error.get("code").textValue());
    }
    for (String probe : List.of("started", "ready")) {
      Answer answer = api.get("/q/health/" + probe);
      assertEquals(503, answer.status(), answer::toString);
      assertEquals(
          "the model slow is loading or warming up",
          answer.json().findPath("reason").textValue(),
          answer::toString);
    }
    assertEquals(200, api.get("/q/health/live").status());
    JsonNode listed = api.get("/v1/models").json().at("/data/0");
    assertEquals("loading", listed.get("status").textValue());
    assertEquals(0.45, listed.get("progress").doubleValue(), listed::toString);
    assertEquals(listed, api.get("/v1/models/slow").json());
    assertEquals(404, api.get("/v1/models/any").status());
  }
}
