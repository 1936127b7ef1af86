package dev.tritium.kubernetes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scripts in the chart, run as rendered: the download of a model, and what helm test runs. */
class ChartScriptsTest {
  private static final String CONFIG_SHA256 =
      "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"; // of "{}\n"
  private static final String COMPLETIONS = "/v1/completions";

  @TempDir private Path folder;
  private final Map<String, String> files = new ConcurrentHashMap<>(); // by path
  private final ConcurrentLinkedQueue<String> asked = new ConcurrentLinkedQueue<>();
  private HttpServer server;
  private String base;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    base = "http://127.0.0.1:" + server.getAddress().getPort();
    server.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().getPath();
          String key = exchange.getRequestHeaders().getFirst("Authorization");
          asked.add(exchange.getRequestMethod() + " " + path + " " + key);
          byte[] body = files.getOrDefault(path, "").getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(files.containsKey(path) ? 200 : 404, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  @Test
  void aModelIsDownloadedOnce() throws Exception {
    files.put("/m/config.json", "{}\n");
    files.put("/m/model.safetensors", "weights");
    Map<String, String> token = Map.of("TOKEN", "secret");
    assertEquals("", download(CONFIG_SHA256, token));
    assertEquals("{}\n", Files.readString(folder.resolve("model/config.json")));
    assertEquals("weights", Files.readString(folder.resolve("model/model.safetensors")));
    assertEquals(
        List.of("GET /m/config.json Bearer secret", "GET /m/model.safetensors Bearer secret"),
        List.copyOf(asked));
    assertEquals("", download(CONFIG_SHA256, token));
    assertEquals(2, asked.size());
  }

  @Test
  void aFileThatIsMissingOrAnotherIsNotServed() throws Exception {
    files.put("/m/config.json", "{}\n");
    String missing = download(CONFIG_SHA256, Map.of());
    assertTrue(missing.contains("404"), missing);
    assertEquals("GET /m/config.json null", asked.peek());
    files.put("/m/model.safetensors", "weights");
    Files.delete(folder.resolve("model/config.json"));
    String another = download("0".repeat(64), Map.of());
    assertTrue(another.contains("/m/config.json does not have the SHA-256"), another);
    try (Stream<Path> left = Files.list(folder.resolve("model"))) {
      assertEquals(List.of(), left.toList());
    }
  }

  @Test
  void helmTestWantsAnAnswerToItsEnd() throws Exception {
    files.put("/q/health/ready", "{\"status\": \"UP\"}");
    files.put("/v1/models", "{}");
    files.put(COMPLETIONS, "data: {\"choices\": []}\n\ndata: [DONE]\n\n");
    Path keys = Files.writeString(folder.resolve("keys"), "# of the team\n\nfirst\nsecond\n");
    assertEquals("", test(Map.of("KEYS_FILE", keys.toString())));
    assertEquals(
        List.of(
            "GET /q/health/ready Bearer first",
            "GET /v1/models Bearer first",
            "POST /v1/completions Bearer first"),
        List.copyOf(asked));

    asked.clear();
    assertEquals("", test(Map.of()));
    assertFalse(asked.toString().contains("Bearer"), asked::toString);

    files.put(COMPLETIONS, "data: {\"error\": {}}\n\n");
    assertTrue(test(Map.of()).contains("the stream has no end"));
    files.remove("/v1/models");
    assertTrue(test(Map.of()).contains("404"));
  }

  private String download(String sha256, Map<String, String> environment) throws Exception {
    String values =
        """
        model:
          source: download
          id: m
          download:
            url: http://hub/
            files: [config.json, model.safetensors]
            sha256: {config.json: "%s"}
        """
            .formatted(sha256);
    Manifest pod = Chart.one(Chart.render(values), "Deployment");
    Map<String, String> all = new HashMap<>(environment);
    all.put("URL", base + "/m");
    all.put("MODEL_DIR", folder.resolve("model").toString());
    return Script.of(pod.at("/spec/template/spec/initContainers/0/command")).run(all);
  }

  private String test(Map<String, String> environment) throws Exception {
    Map<String, String> all = new HashMap<>(environment);
    all.put("URL", base);
    return Script.of(Chart.one(Chart.render(""), "Pod").at("/spec/containers/0/command")).run(all);
  }
}
