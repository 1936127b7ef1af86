package dev.tritium;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.PackagedServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** How the packaged server ends when it is told to by SIGTERM. */
@SuppressWarnings("NullAway.Init") // set by start
class ShutdownIT {
  private static final String PATH = "/v1/completions";
  private static final String LAST_CHUNK = "\r\n0\r\n\r\n";
  private static final String END_OF_USAGE = "}}}";
  private static final String HEAD =
      "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n"
          .formatted(PATH);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path folder;
  private final ExecutorService clients = Executors.newCachedThreadPool();
  private PackagedServer server;
  private Api api;

  /** Says what the server had to say when a test fails. */
  @RegisterExtension
  final AfterTestExecutionCallback serverLog =
      context ->
          context
              .getExecutionException()
              .ifPresent(e -> e.addSuppressed(new AssertionError("its log: " + server.log())));

  @AfterEach
  void endWhatRuns() {
    clients.shutdownNow();
    server.close();
  }

  @Test
  void answersFinishWhileNothingNewIsTaken() throws Exception {
    start("25s");
    Api.await("it is ready", PATIENCE, () -> isHealthy("ready"));
    try (Socket stream = api.open(PATH, answer(true));
        Socket plain = api.open(PATH, answer(false));
        Socket late = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      for (Socket socket : List.of(stream, plain, late)) {
        socket.setSoTimeout(Math.toIntExact(PATIENCE.toMillis()));
      }
      late.getOutputStream().write(HEAD.getBytes(ISO_8859_1)); // its body comes later
      Api.await("they run", PATIENCE, () -> api.running() == 2);
      server.process().destroy(); // SIGTERM
      Api.await("it drains", PATIENCE, () -> !isHealthy("ready"));
      assertEquals(200, api.get("/q/health/live").status());
      for (boolean streamed : new boolean[] {false, true}) {
        Answer refused = api.post(PATH, Api.body("prompt", "A", "stream", streamed));
        assertEquals(503, refused.status(), refused::toString);
        assertEquals("shutting_down", refused.json().at("/error/code").textValue());
        int seconds = Integer.parseInt(refused.headers().get("retry-after"));
        assertTrue(seconds > 0 && seconds < 60, refused::toString);
      }
      assertEquals(503, api.get("/v1/models").status());
      String events = body(stream, LAST_CHUNK);
      assertFalse(events.contains("\"error\""), events);
      assertTrue(events.contains("data: [DONE]\n\n"), events);
      assertTrue(
          body(plain, END_OF_USAGE).contains("\"completion_tokens\":1500"),
          "the plain answer is whole");
      assertTrue(server.process().isAlive(), "it waits for the late request");
      late.getOutputStream().write('{');
      String status = new String(late.getInputStream().readNBytes(12), ISO_8859_1);
      assertEquals("HTTP/1.1 400", status, "what it hears of its body");
    }
    assertEquals(0, exitValue());
  }

  @Test
  void whatIsNotDoneInTimeIsEndedWithAnErrorThatSaysSo() throws Exception {
    start("1s");
    Api.await("it is ready", PATIENCE, () -> isHealthy("ready"));
    Future<Answer> stream = clients.submit(() -> api.post(PATH, endless(true)));
    Future<Answer> plain = clients.submit(() -> api.post(PATH, endless(false)));
    try (Socket unread = api.openSlow(PATH, endless(true))) {
      unread.setSoTimeout(Math.toIntExact(PATIENCE.toMillis()));
      Api.await("they run", PATIENCE, () -> api.running() == 3);
      Api.beginAnother(unread, PATH);
      server.process().destroy();
      String events = stream.get(PATIENCE.toSeconds(), TimeUnit.SECONDS).body();
      assertFalse(events.contains("[DONE]"), "it was done");
      assertTrue(events.endsWith("\n\n"), events);
      String last = events.substring(events.lastIndexOf("data: ") + "data: ".length());
      assertShutDown(Api.JSON.readTree(last));
      Answer refused = plain.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      assertEquals(503, refused.status(), refused::toString);
      assertShutDown(refused.json());
      assertEquals(0, exitValue());
      String rest = rest(unread);
      assertTrue(rest.startsWith("HTTP/1.1 200 OK"), "it was not under way: " + rest);
      assertFalse(
          rest.endsWith(LAST_CHUNK), "its client had read it all, so nothing was to wait for");
    }
  }

  /** What had come to a client that has read nothing, up to the end of its connection. */
  private static String rest(Socket client) throws IOException {
    ByteArrayOutputStream rest = new ByteArrayOutputStream();
    try {
      client.getInputStream().transferTo(rest);
    } catch (SocketException e) { // a reset
    }
    return rest.toString(ISO_8859_1);
  }

  private static void assertShutDown(JsonNode event) {
    assertEquals(4, event.get("error").size(), event::toString);
    assertEquals("shutting_down", event.at("/error/code").textValue(), event::toString);
    assertTrue(event.at("/error/message").textValue().contains("shut down"), event::toString);
  }

  @Test
  void aServerThatIsStillLoadingEndsTheSameWay() throws Exception {
    start("25s");
    Api.await("the port is open", PATIENCE, () -> isHealthy("live"));
    server.process().destroy();
    assertEquals(0, exitValue());
  }

  @Test
  void aSecondSignalEndsItAtOnce() throws Exception {
    start("10m");
    Api.await("it is ready", PATIENCE, () -> isHealthy("ready"));
    try (Socket stream = api.open(PATH, endless(true))) {
      Api.await("it runs", PATIENCE, () -> api.running() == 1);
      server.process().destroy();
      Api.await("it drains", PATIENCE, () -> !isHealthy("ready"));
      server.process().destroy();
      assertNotEquals(0, exitValue(), stream::toString);
    }
  }

  private static String answer(boolean stream) {
    return Api.body(
        "prompt", "Once", "max_tokens", 1500, "ignore_eos", true, "stream", stream, "logprobs", 5);
  }

  private static String endless(boolean stream) {
    return Api.body(
        "prompt",
        "Once",
        "max_tokens",
        100_000,
        "ignore_eos",
        true,
        "stream",
        stream,
        "logprobs",
        5);
  }

  /** What comes until the connection is closed or an answer has its end. */
  private static String body(Socket client, String end) throws IOException {
    StringBuilder body = new StringBuilder();
    byte[] some = new byte[65_536];
    int read = 1;
    while (read > 0 && !body.substring(Math.max(0, body.length() - end.length())).equals(end)) {
      read = client.getInputStream().read(some);
      body.append(new String(some, 0, Math.max(0, read), ISO_8859_1));
    }
    assertTrue(body.toString().endsWith(end), "cut off after " + body.length());
    return body.toString();
  }

  private void start(String grace) throws IOException {
    server =
        PackagedServer.start(folder.resolve("log"), Map.of(), "-Dtritium.shutdown.grace=" + grace);
    api = server.api();
  }

  private boolean isHealthy(String what) {
    try {
      return api.get("/q/health/" + what).status() == 200;
    } catch (AssertionError e) { // the port is not open
      return false;
    }
  }

  private int exitValue() throws Exception {
    assertTrue(server.process().waitFor(60, TimeUnit.SECONDS), "it does not end: " + server.log());
    assertFalse(server.log().contains("\tat "), server.log());
    return server.process().exitValue();
  }
}
