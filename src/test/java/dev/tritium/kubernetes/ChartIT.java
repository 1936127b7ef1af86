package dev.tritium.kubernetes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.FakeHub;
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

/** The packaged server, started with the arguments and variables of the chart's containers. */
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
    Map<String, String> environment = environment(container);
    environment.put("TRITIUM_CACHE", System.getenv("TRITIUM_CACHE")); // has it packed
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

  @Test
  void whatInitContainersPullIsServedWithoutHubOrToken() throws Exception {
    JsonNode pod;
    try (FakeHub hub = new FakeHub(Path.of("src/test/resources/golden/hgrn-tiny"))) {
      hub.authorization = "Bearer hf_secret";
      String values =
          """
          model:
            source: hub
            hub: {id: %1$s, revision: "%2$s", endpoint: "%3$s", token: {secret: hub}}
            more: {second: %1$s@v1.0}
          """
              .formatted(FakeHub.ID, FakeHub.COMMIT, hub.endpoint());
      pod = Chart.one(Chart.render(values), "Deployment").at("/spec/template/spec");
      assertEquals(2, pod.get("initContainers").size());
      for (JsonNode container : pod.get("initContainers")) {
        pull(container, Map.of("HF_TOKEN", "hf_secret"));
      }
    }
    pull(pod.at("/initContainers/0"), Map.of()); // the pod starts again, and the hub is down
    Map<String, String> environment = environment(pod.at("/containers/0"));
    try (PackagedServer server = PackagedServer.start(folder.resolve("server.log"), environment)) {
      Api api = server.ready();
      List<String> served = api.get("/v1/models").json().findValuesAsText("id");
      assertEquals(List.of(FakeHub.ID, "second"), served);
      for (String model : served) {
        api.ask("/v1/completions", "model", model, "prompt", "A", "max_tokens", 2);
      }
    }
  }

  private void pull(JsonNode container, Map<String, String> secrets) throws Exception {
    Map<String, String> environment = environment(container);
    environment.putAll(secrets);
    List<String> arguments = container.get("args").valueStream().map(JsonNode::asText).toList();
    PackagedServer.run(folder.resolve("pull.log"), environment, arguments);
  }

  /** A container's variables, but those of Secrets, with what is another here than in a pod. */
  private Map<String, String> environment(JsonNode container) {
    Map<String, String> environment = new HashMap<>();
    for (JsonNode variable : container.get("env")) {
      if (variable.has("value")) {
        String value = variable.get("value").asText();
        environment.put(
            variable.get("name").asText(), value.replaceFirst("^/data/", folder + "/data/"));
      }
    }
    environment.computeIfPresent("TRITIUM_HOST", (name, host) -> "127.0.0.1");
    return environment;
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
