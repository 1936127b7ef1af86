package dev.tritium.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.PackagedServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The packaged server, for one test class: it asks for a key, runs 4 answers, and 8 prompts may
 * wait.
 */
final class ContractServer implements BeforeAllCallback, AfterAllCallback {
  static final String KEY = "contract-key";
  static final String MODEL = "tritium-stories-17m";

  private static final Path LOG = Path.of("target", "contract-server.log");

  private PackagedServer server;
  private Api api;

  @Override
  public void beforeAll(ExtensionContext context) throws IOException {
    server =
        PackagedServer.start(
            LOG,
            Map.of("TRITIUM_API_KEYS", KEY),
            "-Dtritium.scheduler.max-running=4",
            "-Dtritium.scheduler.max-waiting=8");
    api = server.ready();
  }

  @Override
  public void afterAll(ExtensionContext context) throws InterruptedException {
    try {
      awaitIdle(); // whatever the clients did, nothing may run on
    } finally {
      server.process().destroy();
    }
    assertTrue(server.process().waitFor(60, TimeUnit.SECONDS), "the server does not end");
  }

  /** What clients call the base URL. */
  String baseUrl() {
    return "http://127.0.0.1:" + server.port() + "/v1";
  }

  /** An answer to a POST that must succeed. */
  Answer post(String path, Object... namesAndValues) {
    Answer answer = api.post(path, Api.body(namesAndValues), "Authorization", "Bearer " + KEY);
    assertEquals(200, answer.status(), answer::toString);
    return answer;
  }

  /** The schema of an endpoint's requests, made from the table of parameters as docs/api.md is. */
  JsonNode parameters(String schema) {
    Answer document = api.get("/q/openapi.json", "Authorization", "Bearer " + KEY);
    return document.json().at("/components/schemas/" + schema + "/properties");
  }

  /** Answers that the server is working at. */
  double running() {
    Answer metrics = api.get("/q/metrics", "Authorization", "Bearer " + KEY);
    return metrics
        .body()
        .lines()
        .filter(line -> line.startsWith("llm_requests_running{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }

  void awaitIdle() {
    Api.await("nothing runs", Duration.ofSeconds(20), () -> running() == 0);
  }
}
