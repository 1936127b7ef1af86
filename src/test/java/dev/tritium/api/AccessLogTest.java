package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.AccessLines;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One line for each exchange, whatever became of it. */
@QuarkusTest
@TestProfile(AccessLogTest.Logged.class)
@SuppressWarnings("NullAway.Init") // set before each test
class AccessLogTest {
  private static final String PATH = "/v1/completions";
  private static final String MODEL = "tritium-stories-17m";
  private static final String ENDLESS =
      Api.body("prompt", "Once", "max_tokens", 100_000, "ignore_eos", true, "stream", true);

  @TestHTTPResource("/")
  URI uri;

  private Api api;
  private AccessLines lines;

  /** The settings, also of {@link RequestTimeoutTest}. */
  public static final class Logged implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "tritium.access-log.enabled", "true",
          "tritium.request.timeout", "5s",
          "tritium.stream.stall-timeout", "1s",
          "tritium.api-keys", "sk-secret");
    }

    @Override
    public Set<Class<?>> getEnabledAlternatives() {
      return Set.of(SlowReadersTest.SmallBuffers.class);
    }
  }

  @BeforeEach
  void listen() {
    api = Api.ready(uri);
    Api.await("nothing runs of tests before", Duration.ofSeconds(20), () -> running(api) == 0);
    lines = AccessLines.listen();
  }

  @AfterEach
  void stop() {
    lines.close();
  }

  @Test
  void anAnswerIsALineWithItsTokensAndTimes() {
    Instant before = Instant.now().minusMillis(1);
    Answer answer = post("mine-1", Api.body("prompt", "Once upon", "max_tokens", 3, "n", 2));
    assertEquals(200, answer.status(), answer::toString);
    JsonNode line = lines.of("mine-1");
    assertEquals("POST", line.get("method").textValue());
    assertEquals(PATH, line.get("path").textValue());
    assertEquals("completions", line.get("endpoint").textValue());
    assertEquals(200, line.get("status").intValue());
    assertEquals("ok", line.get("outcome").textValue());
    assertEquals(MODEL, line.get("model").textValue());
    assertFalse(line.get("stream").booleanValue());
    assertFalse(line.has("error"), line::toString);
    JsonNode usage = answer.json().get("usage");
    for (String tokens : List.of("prompt_tokens", "completion_tokens")) {
      assertEquals(usage.get(tokens), line.get(tokens), line::toString);
    }
    assertEquals(
        usage.at("/prompt_tokens_details/cached_tokens"),
        line.get("cached_tokens"),
        line::toString);
    assertEquals("[\"length\",\"length\"]", line.get("finish_reasons").toString());
    assertTrue(line.get("queue_ms").doubleValue() >= 0, line::toString);
    assertTrue(line.get("first_token_ms").doubleValue() > 0, line::toString);
    assertTrue(
        line.get("ms").doubleValue() >= line.get("first_token_ms").doubleValue(), line::toString);
    assertFalse(Instant.parse(line.get("time").textValue()).isBefore(before.minusMillis(1)));
    assertEquals("127.0.0.1", line.get("client").textValue());
  }

  @Test
  void aStreamIsALineToo() {
    post("mine-2", Api.body("prompt", "Once", "max_tokens", 3, "stream", true));
    JsonNode line = lines.of("mine-2");
    assertTrue(line.get("stream").booleanValue());
    assertEquals("ok", line.get("outcome").textValue());
    assertEquals(3, line.get("completion_tokens").intValue());
    assertEquals("[\"length\"]", line.get("finish_reasons").toString());
  }

  @Test
  void refusalsSayWhichErrorButNotInTheClientsWords() {
    assertRefused("invalid_request", 400, PATH, "{\"prompt\":\"A\",\"surprise\":\"WORDS\"}");
    assertRefused("invalid_request", 400, PATH, "WORDS");
    assertRefused("model_not_found", 404, PATH, Api.body("prompt", "A", "model", "WORDS"));
    assertRefused("not_found", 404, "/no/such", "{}");
    assertRefused("method_not_allowed", 405, "/v1/models", "{}");
    assertRefused("body_too_large", 413, PATH, "WORDS" + " ".repeat(11_000_000));
  }

  private void assertRefused(String error, int status, String path, String body) {
    String id = "refused-" + error + body.length();
    assertEquals(status, send(path, id, body).status());
    JsonNode line = lines.of(id);
    assertEquals(status, line.get("status").intValue(), line::toString);
    assertEquals("refused", line.get("outcome").textValue());
    assertEquals(error, line.get("error").textValue());
    assertFalse(line.has("model") || line.has("prompt_tokens"), line::toString);
    assertFalse(line.toString().contains("WORDS"), line::toString);
  }

  @Test
  void aWrongKeyIsALineWithoutTheKey() {
    Answer answer =
        api.post(PATH, "{}", "x-request-id", "mine-3", "Authorization", "Bearer sk-guess");
    assertEquals(401, answer.status());
    JsonNode line = lines.of("mine-3");
    assertEquals("invalid_api_key", line.get("error").textValue());
    assertEquals("refused", line.get("outcome").textValue());
  }

  @Test
  void aClientThatLeavesHasCancelled() throws IOException {
    for (String body : List.of(ENDLESS, ENDLESS.replace("\"stream\":true", "\"stream\":false"))) {
      String id = "left-" + body.length();
      try (Socket socket = open(id, body, 65_536)) {
        Api.await("it runs", Duration.ofSeconds(20), () -> running(api) == 1);
        assertTrue(socket.isConnected());
      }
      JsonNode line = lines.of(id);
      assertEquals("cancelled", line.get("outcome").textValue(), line::toString);
      assertEquals(MODEL, line.get("model").textValue());
      assertTrue(line.get("prompt_tokens").intValue() > 0, line::toString);
      assertFalse(line.has("error"), line::toString);
      Api.await("its place is free", Duration.ofSeconds(20), () -> running(api) == 0);
    }
  }

  @Test
  void aClientThatLeavesAmidItsBodyHasCancelledToo() throws IOException {
    try (Socket socket = open("half", ENDLESS + " ".repeat(100_000), 65_536, 40)) {
      assertTrue(socket.isConnected());
    }
    JsonNode line = lines.of("half");
    assertEquals("cancelled", line.get("outcome").textValue(), line::toString);
    assertEquals(0, line.get("status").intValue(), "none was sent");
  }

  @Test
  void aReaderThatTakesNothingIsStalled() throws IOException {
    String body =
        Api.body(
            "prompt",
            "Once",
            "max_tokens",
            20_000,
            "ignore_eos",
            true,
            "stream",
            true,
            "n",
            8,
            "logprobs",
            5);
    try (Socket socket = open("stalled", body, 2_048)) {
      assertEquals("stalled", lines.of("stalled").get("outcome").textValue());
      assertTrue(socket.isConnected());
    }
  }

  @Test
  void noClientCanForgeALine() throws IOException {
    try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
      String head =
          "GET /no\u009b31m%0a{\"id\":\"forged\"} HTTP/1.1\r\nHost: x\r\nx-request-id: a\tb\r\n";
      socket
          .getOutputStream()
          .write((head + "Connection: close\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
      socket.getInputStream().readAllBytes();
    }
    Answer answer = api.get("/v1/models", "x-request-id", "\"},{", "Authorization", "Bearer x");
    assertEquals("\"},{", answer.headers().get("x-request-id"));
    assertEquals("models", lines.of("\"},{").get("endpoint").textValue());
    for (String line : lines.all()) {
      assertTrue(line.chars().allMatch(c -> c >= ' ' && c < 127), line);
      assertNotNull(AccessLines.json(line).get("id"), line);
    }
  }

  @Test
  void healthAndMetricsAreNotLogged() {
    api.get("/q/health/live", "x-request-id", "probe");
    api.get("/q/metrics", "x-request-id", "scrape");
    post("last", Api.body("prompt", "A", "max_tokens", 1));
    assertNotNull(lines.of("last"));
    assertTrue(lines.all().stream().noneMatch(l -> l.contains("probe") || l.contains("scrape")));
  }

  @Test
  void neitherTextNorKeysReachAnyLog() {
    try (AccessLines everything = AccessLines.ofAllLogs()) {
      Answer answer =
          post("quiet", Api.body("prompt", "The SECRETWORD was", "max_tokens", 4, "echo", true));
      assertEquals(200, answer.status(), answer::toString);
      post("quiet-2", "{\"prompt\": SECRETWORD}");
      post("quiet-3", Api.body("prompt", "SECRETWORD", "stop", List.of("SECRETWORD", "")));
      assertNotNull(lines.of("quiet"));
      assertNotNull(lines.of("quiet-3"));
      System.getLogger("dev.tritium.test")
          .log(System.Logger.Level.WARNING, "a line of {0}", "ours");
      assertTrue(everything.all().contains("a line of ours"), "it hears the logs");
      for (String line : Stream.concat(everything.all().stream(), lines.all().stream()).toList()) {
        assertFalse(line.contains("SECRETWORD") || line.contains("sk-secret"), line);
      }
    }
  }

  private Answer post(String id, String body) {
    return send(PATH, id, body);
  }

  private Answer send(String path, String id, String body) {
    return api.send(api.request(path, headers(id)).POST(BodyPublishers.ofString(body)).build());
  }

  private static String[] headers(String id) {
    return new String[] {
      "x-request-id", id, "Authorization", "Bearer sk-secret", "Content-Type", "application/json"
    };
  }

  static double running(Api api) {
    return api.get("/q/metrics", "Authorization", "Bearer sk-secret")
        .body()
        .lines()
        .filter(line -> line.startsWith("llm_requests_running"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }

  private Socket open(String id, String body, int receiveBuffer) throws IOException {
    return open(id, body, receiveBuffer, body.length());
  }

  private Socket open(String id, String body, int receiveBuffer, int sent) throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(receiveBuffer);
    socket.connect(new java.net.InetSocketAddress(uri.getHost(), uri.getPort()));
    StringBuilder head = new StringBuilder("POST " + PATH + " HTTP/1.1\r\nHost: test\r\n");
    String[] headers = headers(id);
    for (int i = 0; i < headers.length; i += 2) {
      head.append(headers[i]).append(": ").append(headers[i + 1]).append("\r\n");
    }
    head.append("Content-Length: ").append(body.length()).append("\r\n\r\n");
    head.append(body, 0, sent);
    socket.getOutputStream().write(head.toString().getBytes(StandardCharsets.UTF_8));
    socket.getOutputStream().flush();
    return socket;
  }
}
