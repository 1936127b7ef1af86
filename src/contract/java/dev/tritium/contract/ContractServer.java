package dev.tritium.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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

  private Process process;
  private Api api;
  private int port;

  @Override
  public void beforeAll(ExtensionContext context) throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    ProcessBuilder server =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "@src/main/jvm/args",
            "-Dtritium.home=.",
            "-Dtritium.scheduler.max-running=4",
            "-Dtritium.scheduler.max-waiting=8",
            "-jar",
            "target/quarkus-app/quarkus-run.jar",
            "serve",
            "--port",
            String.valueOf(port));
    server.environment().put("TRITIUM_API_KEYS", KEY);
    process = server.redirectErrorStream(true).redirectOutput(LOG.toFile()).start();
    Api.await(
        "the server is ready",
        Duration.ofSeconds(60),
        () -> {
          assertTrue(process.isAlive(), ContractServer::log);
          return log().contains("serving ");
        });
    api = Api.ready(URI.create("http://127.0.0.1:" + port));
  }

  @Override
  public void afterAll(ExtensionContext context) throws InterruptedException {
    try {
      awaitIdle(); // whatever the clients did, nothing may run on
    } finally {
      process.destroy();
    }
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the server does not end");
  }

  private static String log() {
    try {
      return Files.readString(LOG);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What clients call the base URL. */
  String baseUrl() {
    return "http://127.0.0.1:" + port + "/v1";
  }

  /** An answer to a POST that must succeed. */
  Answer post(String path, Object... namesAndValues) {
    Answer answer = api.post(path, Api.body(namesAndValues), "Authorization", "Bearer " + KEY);
    assertEquals(200, answer.status(), answer::toString);
    return answer;
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
