package dev.tritium.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tritium.testing.Api;
import dev.tritium.testing.PackagedServer;
import dev.tritium.testing.Programs;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Short load tests, as a person starts them, and their own tests. */
class LoadTestsIT {
  @RegisterExtension static final ContractServer SERVER = new ContractServer();

  private static final Path HERE = Path.of("").toAbsolutePath();

  @TempDir Path folder;

  @Test
  void theirOwnTestsPass() throws Exception {
    String maven = Programs.require("mvn").toString();
    Map<String, String> environment = Map.of("JAVA_HOME", System.getProperty("java.home"));
    Script.Run run =
        Script.run(HERE, environment, maven, "-B", "-ntp", "-f", "loadtests/pom.xml", "test");
    assertEquals(0, run.status(), run::log);
    assertTrue(run.log().matches("(?s).*Tests run: [1-9].*"), run::log);
  }

  @Test
  void theSmokeTestPasses() throws Exception {
    Script.Run run = load("smoke", "--key", ContractServer.KEY);
    assertEquals(0, run.status(), run::log);
    assertEquals(4, row("smoke").path("whole").asInt(), run::log);
    assertTrue(row("smoke").path("tokens/s").asDouble() > 0, run::log);
    assertTrue(Files.exists(folder.resolve("reports/smoke/index.html")), run::log);
    assertTrue(Files.readString(folder.resolve("reports/results.md")).contains("| smoke"));
  }

  @Test
  void anOverloadMeetsNothingBut200And429() throws Exception {
    Script.Run run = load("overload", "--clients", "40", "--answer-tokens", "200", "--no-charts");
    assertEquals(0, run.status(), run::log);
    JsonNode row = row("overload");
    assertTrue(row.path("whole").asInt() >= 8, row::toString); // as many may wait
    assertEquals(40, row.path("whole").asInt() + row.path("refused").asInt(), row::toString);
    assertTrue(row.path("refused").asInt() > 0, row::toString);
  }

  @Test
  void aDrainCutsNoStream() throws Exception {
    try (PackagedServer server = PackagedServer.start(folder.resolve("server.log"), Map.of())) {
      server.ready();
      Script.Run run =
          run(
              List.of("--pid", String.valueOf(server.process().pid())),
              "http://127.0.0.1:" + server.port(),
              "drain",
              "--clients",
              "8",
              "--no-charts");
      assertEquals(0, run.status(), run::log);
      assertEquals(8, row("drain").path("whole").asInt(), run::log);
      assertEquals(0, server.process().waitFor());
    }
  }

  @Test
  void aBrokenRuleIsSaidAndIsTheExitStatus() throws Exception {
    Script.Run run = load("steady", "--seconds", "3", "--first-ms", "1", "--no-charts");
    assertEquals(1, run.status(), run::log);
    assertTrue(run.log().contains("Broken rules:\n- steady: time to the first token"), run::log);
  }

  @Test
  void aStreamThatTheServerCutsBreaksARule() throws Exception {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/v1/models", exchange -> answer(exchange, "{\"data\": [{\"id\": \"m\"}]}", 0));
    server.createContext("/v1/completions", exchange -> answer(exchange, event(), 1_000));
    server.start();
    try {
      String url = "http://127.0.0.1:" + server.getAddress().getPort();
      Script.Run run = run(List.of(), url, "steady", "--seconds", "2", "--no-charts");
      assertEquals(1, run.status(), run::log);
      assertTrue(row("steady").path("failed").asInt() > 0, run::log);
      assertEquals(0, row("steady").path("whole").asInt(), run::log);
    } finally {
      server.stop(0);
    }
  }

  private static String event() {
    return "data: {\"id\": \"%s\", \"choices\": [{\"text\": \"a\"}]}\n\n"
        .formatted(UUID.randomUUID());
  }

  /** Answers with fewer bytes than it promises, and closes. */
  private static void answer(HttpExchange exchange, String body, int missingBytes)
      throws IOException {
    exchange.getRequestBody().readAllBytes();
    String type = body.startsWith("data:") ? "text/event-stream" : "application/json";
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(200, body.length() + missingBytes);
    exchange.getResponseBody().write(body.getBytes(StandardCharsets.US_ASCII));
    exchange.getResponseBody().flush();
    exchange.close();
  }

  @Test
  void withoutAServerItSaysSo() throws Exception {
    Script.Run run = run(List.of(), "http://127.0.0.1:1", "smoke");
    assertEquals(2, run.status(), run::log);
    assertTrue(run.log().contains("no server answers at http://127.0.0.1:1"), run::log);
    assertTrue(run.log().contains("./tritium serve"), run::log);
  }

  private Script.Run load(String... arguments) throws IOException, InterruptedException {
    String url = SERVER.baseUrl().replaceFirst("/v1$", "");
    return run(List.of(), url, arguments);
  }

  private Script.Run run(List<String> more, String url, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("loadtests/run"));
    command.addAll(List.of(arguments));
    command.addAll(List.of("--url", url, "--out", folder.resolve("reports").toString()));
    command.addAll(more);
    Map<String, String> environment = Map.of("LOADTESTS_KEY", ContractServer.KEY);
    return Script.run(HERE, environment, command.toArray(new String[0]));
  }

  private JsonNode row(String scenario) throws IOException {
    Path results = folder.resolve("reports").resolve(scenario).resolve("results.json");
    return Api.JSON.readTree(results.toFile()).at("/rows/0");
  }
}
