package dev.tritium.kubernetes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.PackagedServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged server, started with the variables of the chart's pod. */
class ChartIT {
  private static final String VALUES =
      """
      model: {id: stories}
      apiKeys: {secret: tritium-keys}
      settings: {scheduler.max-running: 3, prefix-cache.bytes: 16777216, warmup.millis: 0}
      metrics: {serviceMonitor: {enabled: true, bearer: {secret: prometheus-key, key: key}}}
      """;

  @TempDir private Path folder;

  @Test
  void theServerIsAsItsPodSaysAndAnswersProbesPrometheusAndHelmTest() throws Exception {
    List<Manifest> all = Chart.render(VALUES);
    JsonNode container = Chart.one(all, "Deployment").at("/spec/template/spec/containers/0");
    Path keys = Files.writeString(folder.resolve("keys"), "first\n");
    Map<String, String> environment = new HashMap<>();
    for (JsonNode variable : container.get("env")) {
      environment.put(variable.get("name").asText(), variable.get("value").asText());
    }
    // What is another on this machine than in a pod.
    environment.put("TRITIUM_HOST", "127.0.0.1");
    environment.put("TRITIUM_CACHE", System.getenv("TRITIUM_CACHE"));
    environment.put("TRITIUM_API_KEYS_FILE", keys.toString());
    try (PackagedServer server = PackagedServer.start(folder.resolve("server.log"), environment)) {
      server.ready();
      for (String probe : List.of("startupProbe", "readinessProbe", "livenessProbe")) {
        String path = container.at("/" + probe + "/httpGet/path").asText();
        assertEquals(200, get(server, path, "").statusCode(), path);
      }
      String path = Chart.one(all, "ServiceMonitor").at("/spec/endpoints/0/path").asText();
      assertEquals(401, get(server, path, "").statusCode());
      String metrics = get(server, path, "first").body();
      assertTrue(metrics.contains("llm_state_slots_capacity{model=\"stories\""), metrics);
      assertTrue(metrics.matches("(?s).*\nllm_state_slots_capacity\\{[^}]*} 3\\.0\n.*"), metrics);
      Script test = Script.of(Chart.one(all, "Pod").at("/spec/containers/0/command"));
      String url = "http://127.0.0.1:" + server.port();
      assertEquals("", test.run(Map.of("URL", url, "KEYS_FILE", keys.toString())));
      assertTrue(test.run(Map.of("URL", url)).contains("401"));
    }
  }

  private static HttpResponse<String> get(PackagedServer server, String path, String key)
      throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
            .header("Authorization", "Bearer " + key)
            .header("Accept", "text/plain")
            .build();
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(request, BodyHandlers.ofString());
    }
  }
}
