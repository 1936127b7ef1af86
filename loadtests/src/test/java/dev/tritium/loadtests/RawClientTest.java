package dev.tritium.loadtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.loadtests.RawClient.Reading;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class RawClientTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final String HEAD = "HTTP/1.1 200 OK\r\n\r\n";

  @Test
  void itSendsARequestAndSeesTheServersEnd() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        RawClient client = RawClient.ask(target(server), "{\"é\":1}");
        Socket socket = server.accept()) {
      byte[] sent = new byte[1_000];
      int length = 0;
      while (!new String(sent, 0, length, StandardCharsets.UTF_8).endsWith("1}")) {
        length += socket.getInputStream().read(sent, length, sent.length - length);
      }
      String request = new String(sent, 0, length, StandardCharsets.UTF_8);
      assertTrue(request.startsWith("POST /v1/completions HTTP/1.1\r\n"), request);
      assertTrue(request.contains("\r\nAuthorization: Bearer k\r\n"), request);
      assertTrue(request.endsWith("\r\nContent-Length: 8\r\n\r\n{\"é\":1}"), request);
      socket.getOutputStream().write(HEAD.getBytes(StandardCharsets.US_ASCII));
      socket.shutdownOutput();
      assertEquals(new Reading(200, true), client.read(Duration.ZERO, LONG));
    }
  }

  @Test
  void itLeavesAStreamThatGoesOn() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        RawClient client = RawClient.ask(target(server), "{}");
        Socket socket = server.accept()) {
      socket.getOutputStream().write(HEAD.getBytes(StandardCharsets.US_ASCII));
      assertEquals(
          new Reading(200, false), client.read(Duration.ofMillis(1), Duration.ofMillis(200)));
    }
  }

  @Test
  void aSilentServerHasNoStatus() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        RawClient client = RawClient.ask(target(server), "{}")) {
      assertEquals(new Reading(0, false), client.read(Duration.ZERO, Duration.ofMillis(100)));
    }
  }

  private static Target target(ServerSocket server) {
    return new Target(URI.create("http://127.0.0.1:" + server.getLocalPort()), "k");
  }
}
