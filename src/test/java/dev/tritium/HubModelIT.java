package dev.tritium;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.FakeHub;
import dev.tritium.testing.PackagedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged server with nothing but a model's name. */
class HubModelIT {
  @TempDir private Path folder;

  @Test
  void aModelIsPulledAndServedByItsNameAndThenNeedsNoHub() throws IOException {
    Map<String, String> environment = new HashMap<>();
    environment.put("HF_HOME", folder.toString());
    environment.put("TRITIUM_MODEL", FakeHub.ID);
    try (FakeHub hub = new FakeHub(Path.of("src/test/resources/golden/hgrn-tiny"))) {
      environment.put("HF_ENDPOINT", hub.endpoint());
      try (PackagedServer server = PackagedServer.start(folder.resolve("first.log"), environment)) {
        assertServes(server);
        assertTrue(server.log().contains("tritium: pulling acme/tiny-lm"), server::log);
      }
    }
    environment.put("HF_HUB_OFFLINE", "1");
    try (PackagedServer server = PackagedServer.start(folder.resolve("second.log"), environment)) {
      assertServes(server);
      assertTrue(server.log().contains("acme/tiny-lm is commit " + FakeHub.COMMIT), server::log);
    }
  }

  private static void assertServes(PackagedServer server) {
    Api api = server.ready();
    assertEquals(
        FakeHub.ID, api.get("/v1/models").json().at("/data/0/id").textValue(), server::log);
    assertEquals(200, api.get("/v1/models/" + FakeHub.ID).status());
    Answer answer =
        api.post("/v1/completions", Api.body("model", FakeHub.ID, "prompt", "A", "max_tokens", 2));
    assertEquals(200, answer.status(), answer::toString);
  }
}
