package dev.tritium.kubernetes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import dev.tritium.server.ModelReference;
import dev.tritium.testing.Api;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The chart as Helm renders it, held against the schemas of a cluster's API. */
class ChartTest {
  private static final Path CASES = Path.of("src/test/resources/chart/cases.yaml");

  private final ApiSchemas schemas = new ApiSchemas();

  @Test
  void helmHasNothingToSayAgainstIt() {
    LintResult lint = new Helm(Chart.FOLDER).lint().strict().call();
    assertFalse(lint.isFailed(), () -> lint.getMessages().toString());
    List<String> said =
        lint.getMessages().stream()
            .filter(message -> message.contains("[WARNING]") || message.contains("[ERROR]"))
            .toList();
    assertEquals(List.of(), said);
  }

  @Test
  void aClusterTakesAllThatTheCasesRender() throws IOException {
    Map<String, JsonNode> cases = cases();
    Set<String> kinds = new TreeSet<>();
    Map<String, List<String>> problems = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> one : cases.entrySet()) {
      List<Manifest> all = Chart.render(one.getValue());
      all.forEach(manifest -> kinds.add(manifest.kind()));
      note(one.getKey(), all, problems);
    }
    assertEquals(Map.of(), problems);
    assertTrue(cases.size() >= 25, "cases: " + cases.size());
    assertEquals(
        "ConfigMap Deployment HTTPRoute HorizontalPodAutoscaler NetworkPolicy Pod"
            + " PodDisruptionBudget PrometheusRule ScaledObject Service ServiceAccount"
            + " ServiceMonitor StatefulSet",
        String.join(" ", kinds));
  }

  @Test
  void aClusterTakesAnyTwoCasesTogether() throws IOException {
    Map<String, JsonNode> cases = cases();
    Map<String, List<String>> problems = new LinkedHashMap<>();
    List<String> names = new ArrayList<>(cases.keySet());
    for (int i = 0; i < names.size(); i++) {
      for (int j = i + 1; j < names.size(); j++) {
        JsonNode values = Chart.merge(cases.get(names.get(i)), cases.get(names.get(j)));
        note(names.get(i) + " and " + names.get(j), Chart.render(values), problems);
      }
    }
    assertEquals(Map.of(), problems);
  }

  private void note(String name, List<Manifest> all, Map<String, List<String>> problems) {
    List<String> found = new ArrayList<>(ClusterRules.brokenBy(all));
    all.forEach(manifest -> found.addAll(schemas.problemsOf(manifest)));
    if (!found.isEmpty()) {
      problems.put(name, found);
    }
  }

  private static Map<String, JsonNode> cases() throws IOException {
    Map<String, JsonNode> cases = new LinkedHashMap<>();
    Manifest.YAML
        .readTree(CASES.toFile())
        .properties()
        .forEach(one -> cases.put(one.getKey(), one.getValue()));
    return cases;
  }

  @Test
  void settingsBecomeVariablesDigitByDigit() {
    Map<String, String> variables =
        variables(
            """
            settings:
              prefix-cache.bytes: 1073741824
              energy.idle-watts: 12.5
              usage.energy: false
              request.timeout: 2m
            """);
    assertEquals("1073741824", variables.get("TRITIUM_PREFIX_CACHE_BYTES"));
    assertEquals("12.5", variables.get("TRITIUM_ENERGY_IDLE_WATTS"));
    assertEquals("false", variables.get("TRITIUM_USAGE_ENERGY"));
    assertEquals("2m", variables.get("TRITIUM_REQUEST_TIMEOUT"));
  }

  @Test
  void theServerFindsItsModelWhereTheVolumeIs() {
    assertFalse(variables("").containsKey("TRITIUM_MODEL"));
    assertEquals(
        "/models/org/name",
        variables("model: {source: claim, id: m, claim: {name: models, path: org/name}}")
            .get("TRITIUM_MODEL"));
    assertEquals(
        "/models",
        variables("model: {source: claim, id: m, claim: {name: models}}").get("TRITIUM_MODEL"));
    assertEquals(
        "/data/model",
        variables("model: {source: download, id: m, download: {url: 'http://hub/m'}}")
            .get("TRITIUM_MODEL"));
    assertEquals(
        List.of("/models/a,b\\c"),
        ModelReference.split(
            variables("model: {source: claim, id: m, claim: {name: models, path: 'a,b\\c'}}")
                .get("TRITIUM_MODEL")));
  }

  @Test
  void anInitContainerOfTheServersImagePullsAModelOfTheHub() {
    JsonNode pod =
        pod(
            """
            image: {digest: "sha256:%s"}
            model:
              source: hub
              hub: {id: org/m, revision: v1.0, endpoint: "https://hub", token: {secret: s, key: k}}
            """
                .formatted("0".repeat(64)));
    JsonNode pull = pod.at("/initContainers/0");
    JsonNode server = pod.at("/containers/0");
    assertEquals(1, pod.get("initContainers").size());
    for (String same : List.of("image", "imagePullPolicy", "securityContext", "resources")) {
      assertEquals(server.get(same), pull.get(same), same);
    }
    assertFalse(pull.has("command"), "the image knows how to run");
    assertEquals("[\"pull\",\"org/m@v1.0\"]", pull.get("args").toString());
    assertEquals(
        Map.of("HF_HOME", "/data/huggingface", "HF_ENDPOINT", "https://hub", "HF_TOKEN", ""),
        Chart.variables(pull));
    assertEquals(
        "{\"name\":\"s\",\"key\":\"k\"}",
        pull.at("/env/2/valueFrom/secretKeyRef").toString(),
        pull::toString);
    Map<String, String> variables = Chart.variables(server);
    assertEquals("org/m@v1.0", variables.get("TRITIUM_MODEL"));
    assertEquals("/data/huggingface", variables.get("HF_HOME"));
    assertEquals("1", variables.get("HF_HUB_OFFLINE"));
    assertFalse(variables.containsKey("TRITIUM_MODEL_ID"), "its id is its name");
    assertFalse(variables.containsKey("HF_TOKEN"));
    assertFalse(server.toString().contains("secretKeyRef"), server::toString);
  }

  @Test
  void moreModelsStandBehindTheFirst() {
    JsonNode pod =
        pod(
            """
            model:
              id: first
              source: claim
              claim: {name: models, path: "a,b"}
              more: {second: /models/c, third: org/m@v1.0, fourth: org/m@v1.0}
            """);
    Map<String, String> variables = Chart.variables(pod.at("/containers/0"));
    assertEquals(
        List.of("first=/models/a,b", "fourth=org/m@v1.0", "second=/models/c", "third=org/m@v1.0"),
        ModelReference.split(variables.get("TRITIUM_MODEL")));
    assertFalse(variables.containsKey("TRITIUM_MODEL_ID"));
    assertEquals("1", variables.get("HF_HUB_OFFLINE"));
    assertEquals(
        List.of("[\"pull\",\"org/m@v1.0\"]"),
        pod.get("initContainers").findValues("args").stream().map(JsonNode::toString).toList());
    assertEquals(
        "/opt/tritium/models/tritium-stories-17m,m=org/m",
        variables("model: {more: {m: org/m}}").get("TRITIUM_MODEL"));
  }

  @Test
  void keysAreMountedAsAFolderSoThatNewOnesAreSeen() {
    Manifest deployment = Chart.one(Chart.render("apiKeys: {secret: s, key: k}"), "Deployment");
    JsonNode mount =
        deployment
            .at("/spec/template/spec/containers/0/volumeMounts")
            .valueStream()
            .filter(m -> m.path("name").asText().equals("keys"))
            .findFirst()
            .orElseThrow();
    assertTrue(mount.path("subPath").isMissingNode());
    assertEquals(
        mount.path("mountPath").asText() + "/k",
        variables("apiKeys: {secret: s, key: k}").get("TRITIUM_API_KEYS_FILE"));
  }

  @Test
  void aStatefulSetKeepsItsDataOnAClaimOfEachReplica() {
    String values = "{workload: {kind: StatefulSet}, storage: {size: 7Gi, storageClass: fast}}";
    JsonNode claim =
        Chart.one(Chart.render(values), "StatefulSet").at("/spec/volumeClaimTemplates/0");
    assertEquals("data", claim.at("/metadata/name").asText());
    assertEquals("7Gi", claim.at("/spec/resources/requests/storage").asText());
    assertEquals("fast", claim.at("/spec/storageClassName").asText());
  }

  @Test
  void bothAutoscalersLookAtWaitingPromptsAndRunningAnswers() {
    List<String> hpa =
        Chart.one(Chart.render("autoscaling: {kind: hpa}"), "HorizontalPodAutoscaler")
            .at("/spec/metrics")
            .valueStream()
            .map(metric -> metric.at("/pods/metric/name").asText())
            .toList();
    assertEquals(List.of("llm_requests_waiting", "llm_requests_running"), hpa);
    List<String> keda =
        Chart.one(
                Chart.render("autoscaling: {kind: keda, prometheus: 'http://p:9090'}"),
                "ScaledObject")
            .at("/spec/triggers")
            .findValuesAsText("query");
    assertEquals(
        List.of(
            "sum(llm_requests_waiting{namespace=\"models\",service=\"llm-tritium\"})",
            "sum(llm_requests_running{namespace=\"models\",service=\"llm-tritium\"})"),
        keda);
  }

  @Test
  void rulesAndDashboardArriveAsTheyAre() throws IOException {
    List<Manifest> all =
        Chart.render("metrics: {rules: {enabled: true}, dashboard: {enabled: true}}");
    assertEquals(
        Manifest.YAML.readTree(Chart.FOLDER.resolve("rules/tritium.yml").toFile()),
        Chart.one(all, "PrometheusRule").at("/spec"));
    assertEquals(
        Api.JSON.readTree(Chart.FOLDER.resolve("dashboards/tritium.json").toFile()),
        Api.JSON.readTree(Chart.one(all, "ConfigMap").at("/data/tritium.json").asText()));
  }

  @Test
  void nobodyIsReachedUnlessSomethingIsDownloaded() {
    assertEquals("[]", Chart.one(Chart.render(""), "NetworkPolicy").at("/spec/egress").toString());
    for (String loads :
        List.of(
            "model: {source: download, id: m, download: {url: 'http://hub/m'}}",
            "model: {source: hub, hub: {id: org/m}}",
            "model: {more: {m: org/m}}")) {
      assertEquals(
          List.of("53", "53", "443"),
          Chart.one(Chart.render(loads), "NetworkPolicy")
              .at("/spec/egress/0/ports")
              .findValuesAsText("port"),
          loads);
    }
  }

  private static JsonNode pod(String values) {
    return Chart.one(Chart.render(values), "Deployment").at("/spec/template/spec");
  }

  private static Map<String, String> variables(String values) {
    return Chart.variables(pod(values).at("/containers/0"));
  }
}
