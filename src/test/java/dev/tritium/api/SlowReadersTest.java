package dev.tritium.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Api;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.quarkus.vertx.http.HttpServerOptionsCustomizer;
import io.vertx.core.http.HttpServerOptions;
import jakarta.enterprise.inject.Alternative;
import jakarta.inject.Singleton;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Clients that take nothing of their answers, on a server that waits two seconds for them. */
@QuarkusTest
@TestProfile(SlowReadersTest.ShortTimes.class)
class SlowReadersTest {
  private static final String PATH = "/v1/completions";
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int CONNECTIONS = 20;

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  /** Little room in the kernel, so that a short answer fills it. */
  @Alternative
  @Singleton
  public static final class SmallBuffers implements HttpServerOptionsCustomizer {
    @Override
    public void customizeHttpServer(HttpServerOptions options) {
      options.setSendBufferSize(16_384);
    }
  }

  /** The settings. */
  public static final class ShortTimes implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "tritium.stream.stall-timeout", "2s",
          "tritium.stream.ping", "100ms",
          "tritium.max-connections", String.valueOf(CONNECTIONS));
    }

    @Override
    public Set<Class<?>> getEnabledAlternatives() {
      return Set.of(SmallBuffers.class);
    }
  }

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri);
  }

  @AfterEach
  void nothingRuns() {
    Api.await("nothing runs", PATIENCE, () -> api.running() == 0 && api.waiting() == 0);
  }

  @Test
  void aStreamThatNobodyReadsIsCutOffAndOthersDoNotNotice() throws Exception {
    Object[] body = {"prompt", "Once", "max_tokens", 300, "ignore_eos", true, "seed", 1};
    String alone = api.ask(PATH, body).at("/choices/0/text").textValue();
    try (Socket stalled = api.openSlow(PATH, big(8, 20_000, true));
        ExecutorService clients = Executors.newSingleThreadExecutor()) {
      Future<Boolean> others =
          clients.submit(
              () -> {
                boolean equal = true;
                for (boolean first = true; first || api.running() > 0; first = false) {
                  equal &= alone.equals(stream(body));
                }
                return equal;
              });
      assertTrue(others.get(), "what another client read beside it");
      awaitCut(stalled);
      assertFalse(rest(stalled).contains("[DONE]"));
    }
  }

  private String stream(Object... body) {
    Object[] streamed = java.util.Arrays.copyOf(body, body.length + 2);
    streamed[body.length] = "stream";
    streamed[body.length + 1] = true;
    return api.stream(PATH, streamed).text(0);
  }

  @Test
  void anAnswerThatNobodyReadsIsCutOffAfterItsEndToo() throws IOException {
    try (Socket plain = api.openSlow(PATH, big(8, 400, false));
        Socket streamed = api.openSlow(PATH, big(8, 400, true))) {
      for (Socket stalled : List.of(plain, streamed)) {
        awaitCut(stalled);
        String rest = rest(stalled);
        assertTrue(rest.startsWith("HTTP/1.1 200 OK"), rest.substring(0, 20));
        String what = stalled.equals(streamed) ? "streamed" : "not streamed";
        assertFalse(rest.endsWith("0\r\n\r\n"), what + ", all of it came");
      }
    }
  }

  @Test
  void aStreamThatNobodyReadsIsCutOffWhileItsClientSendsTheNextRequest() throws IOException {
    try (Socket stalled = api.openSlow(PATH, big(8, 20_000, true))) {
      Api.await("it runs", PATIENCE, () -> api.running() > 0);
      Api.beginAnother(stalled, PATH);
      awaitCut(stalled);
    }
  }

  @Test
  void clientsThatLeaveWhileTheySendTheirNextRequestLeaveRoomForOthers() throws IOException {
    for (int i = 0; i < CONNECTIONS; i++) {
      try (Socket client = api.open(PATH, big(1, 100_000, true))) {
        Api.await("it runs", PATIENCE, () -> api.running() == 1);
        Api.beginAnother(client, PATH);
        client.getInputStream().readNBytes(2000);
      }
      Api.await("it is gone", PATIENCE, () -> api.running() == 0);
    }
    Api.await("there is room", PATIENCE, this::isServed);
  }

  @Test
  void aReaderThatIsOnlySlowGetsItsWholeAnswer() throws Exception {
    try (Socket slow = api.openSlow(PATH, big(8, 400, false))) {
      InputStream in = slow.getInputStream();
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      byte[] some = new byte[8192];
      while (!all.toString(UTF_8).endsWith("}}}")) { // of the usage
        Thread.sleep(50); // 3 s in all and more
        int read = in.read(some);
        assertTrue(read > 0, "cut off after " + all.size() + " bytes");
        all.write(some, 0, read);
      }
      assertTrue(all.size() > 500_000, "large enough to wait for the reader: " + all.size());
    }
  }

  @Test
  void aStreamIsPingedWhileItsPromptIsRun() throws IOException {
    String body = Api.body("prompt", new int[131_000], "max_tokens", 1, "stream", true);
    try (Socket client = api.open(PATH, body)) {
      String start = "";
      while (!start.contains("data:") && !start.contains(": ping")) {
        start += new String(client.getInputStream().readNBytes(1), UTF_8);
      }
      assertTrue(start.contains(": ping"), start);
    }
  }

  @Test
  void connectionsBeyondTheLimitAreClosed() throws IOException {
    List<Socket> open = new ArrayList<>();
    try {
      boolean refused = false;
      while (!refused) {
        assertTrue(open.size() <= CONNECTIONS, "more than the limit were taken");
        Socket next = new Socket(uri.getHost(), uri.getPort());
        open.add(next);
        try {
          next.getOutputStream()
              .write("GET /q/health/live HTTP/1.1\r\nHost: test\r\n\r\n".getBytes(UTF_8));
          next.setSoTimeout((int) PATIENCE.toMillis());
          refused = next.getInputStream().read() < 0;
        } catch (IOException e) { // a reset
          refused = true;
        }
      }
    } finally {
      for (Socket socket : open) {
        socket.close();
      }
    }
    Api.await("there is room again", PATIENCE, this::isServed);
  }

  private boolean isServed() {
    try (Socket socket = api.open(PATH, Api.body("prompt", "A", "max_tokens", 1))) {
      return socket.getInputStream().read() >= 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** A request for more than the kernel's buffers hold. */
  private static String big(int answers, int tokens, boolean stream) {
    return Api.body(
        "prompt",
        Collections.nCopies(answers, "Once"),
        "max_tokens",
        tokens,
        "logprobs",
        5,
        "ignore_eos",
        true,
        "stream",
        stream);
  }

  /** Waits until the server has closed the connection; to write to it fails then. */
  private static void awaitCut(Socket client) {
    Api.await(
        "it is cut off",
        PATIENCE,
        () -> {
          try {
            client.getOutputStream().write('\n');
            return false;
          } catch (IOException e) {
            return true;
          }
        });
  }

  /** What had come before the connection was closed. */
  private static String rest(Socket client) {
    ByteArrayOutputStream rest = new ByteArrayOutputStream();
    try {
      client.getInputStream().transferTo(rest);
    } catch (IOException e) { // a reset
    }
    return rest.toString(UTF_8);
  }
}
