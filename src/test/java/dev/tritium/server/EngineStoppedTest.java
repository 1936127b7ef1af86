package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusMock;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a server answers once its engine's thread has ended. */
@QuarkusTest
@SuppressWarnings("NullAway.Init") // injected
class EngineStoppedTest {
  @TestHTTPResource("/")
  URI uri;

  @Inject TritiumConfig config;
  @Inject EngineMetrics metrics;
  @Inject EnergyMetrics energyMetrics;

  @Test
  void requestsAreRefusedAtOnceAndHealthSaysSo() {
    Api api = Api.ready(uri);
    SharedEngine engine = new SharedEngine(config, metrics, energyMetrics);
    ModelRegistry models = new ModelRegistry(engine, config);
    engine.start();
    models.add(ModelReference.parse("m"), true);
    engine.stop();
    QuarkusMock.installMockForType(engine, SharedEngine.class);
    QuarkusMock.installMockForType(models, ModelRegistry.class);
    for (Answer answer :
        List.of(
            api.post("/v1/completions", Api.body("prompt", "A")),
            api.post("/v1/completions", Api.body("prompt", "A", "stream", true)))) {
      assertEquals(503, answer.status(), answer::toString);
      assertEquals("engine_stopped", answer.json().at("/error/code").textValue());
    }
    for (String probe : List.of("live", "ready")) { // Kubernetes restarts it
      Answer answer = api.get("/q/health/" + probe);
      assertEquals(503, answer.status(), answer::toString);
      assertEquals(
          "the engine's thread has ended",
          answer.json().findPath("reason").textValue(),
          answer::toString);
    }
  }
}
