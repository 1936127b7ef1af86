package dev.tritium.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code tritium health} against a server of the JDK. */
@SuppressWarnings("NullAway.Init") // set by start
class HealthCommandTest {
  private static final String REASON = "the engine's thread has ended";

  private final List<String> asked = new ArrayList<>();
  private HttpServer server;
  private int port;

  private record Result(int status, String out, String err) {}

  private static Result health(String... options) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> arguments = new ArrayList<>(List.of("health"));
    arguments.addAll(List.of(options));
    int status =
        Main.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(arguments.toArray(String[]::new));
    return new Result(status, out.toString(), err.toString());
  }

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    port = server.getAddress().getPort();
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void answer(String probe, int status) {
    server.createContext(
        "/q/health/" + probe,
        exchange -> {
          asked.add(probe);
          byte[] body = REASON.getBytes(UTF_8);
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
  }

  @Test
  void aServerThatHasStartedAndLivesIsHealthy() {
    answer("started", 200);
    answer("live", 200);
    Result health = health("--port", String.valueOf(port));
    assertEquals(new Result(0, "healthy" + System.lineSeparator(), ""), health);
    assertEquals(List.of("started", "live"), asked);
  }

  @Test
  void aProbeThatIsDownGivesItsReason() {
    answer("started", 200);
    answer("live", 503);
    Result health = health("--port", String.valueOf(port));
    assertEquals(1, health.status, health::toString);
    assertTrue(health.err.contains("the probe live has status 503: " + REASON), health::toString);
    assertEquals(1, health.err.lines().count(), health::toString);
  }

  @Test
  void whereNobodyListensThereIsNoAnswer() {
    server.stop(0);
    Result health = health("--port", String.valueOf(port));
    assertEquals(1, health.status, health::toString);
    assertTrue(health.err.contains("port " + port + ": no answer"), health::toString);
  }

  @Test
  void theServersOwnSettingsSayWhereItIs() {
    answer("started", 200);
    answer("live", 200);
    Map<String, String> settings =
        Map.of("tritium.host", "0.0.0.0", "tritium.port", String.valueOf(port));
    settings.forEach(System::setProperty);
    try {
      assertEquals(0, health().status);
    } finally {
      settings.keySet().forEach(System::clearProperty);
    }
  }
}
