package dev.tritium.monitoring;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Clients of every kind, until it is ended: more than a small server takes, so that some wait and
 * some are refused; one whose requests are at fault; one that leaves in the middle of its answer.
 */
final class Load {
  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";
  private static final Object MESSAGES = List.of(Map.of("role", "user", "content", "Hello there."));

  private final Api api;
  private final ExecutorService clients = Executors.newCachedThreadPool();
  private final List<Future<?>> results = new ArrayList<>();
  private volatile boolean over;

  /** Begins it. */
  Load(Api api) {
    this.api = api;
    for (int i = 0; i < 3; i++) {
      again(() -> send(COMPLETIONS, 200, Map.of("prompt", "Once upon a time", "stream", true)));
      again(() -> send(CHAT, 200, Map.of("messages", MESSAGES)));
    }
    again(() -> send(COMPLETIONS, 400, Map.of("prompt", "Once", "temperature", -1)));
    again(this::leave);
  }

  private void again(Callable<Integer> client) {
    results.add(
        clients.submit(
            () -> {
              while (!over) {
                Thread.sleep(client.call() == 200 ? 10 : 100); // else those refused would be most
              }
              return null;
            }));
  }

  /** Sends a request and returns the status, which is the one expected or 429. */
  private int send(String path, int expected, Map<String, Object> fields) {
    Map<String, Object> body = new TreeMap<>(fields);
    body.putAll(Map.of("max_tokens", 50, "ignore_eos", true));
    Answer answer = api.post(path, Api.json(body));
    assertTrue(answer.status() == expected || answer.status() == 429, answer::toString);
    return answer.status();
  }

  private int leave() throws IOException {
    String body =
        Api.body("prompt", "A", "max_tokens", 100_000, "ignore_eos", true, "stream", true);
    try (Socket socket = api.open(COMPLETIONS, body)) {
      byte[] begin = socket.getInputStream().readNBytes(200);
      String status = new String(begin, 0, 12, StandardCharsets.ISO_8859_1);
      assertTrue(status.matches("HTTP/1.1 (200|429)"), status);
      return Integer.parseInt(status.substring(9));
    }
  }

  /** Ends it, and fails if a client was not answered as it should. */
  void end() throws Exception {
    over = true;
    for (Future<?> result : results) {
      result.get();
    }
    clients.shutdown();
  }
}
