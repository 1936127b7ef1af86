package dev.tritium.kubernetes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The chart's values: what is written of them, and what is refused. */
class ChartValuesTest {
  private static final Pattern ROW = Pattern.compile("(?m)^\\| `([^`]+)` \\| `(.+?)` \\|");
  private static final Pattern PROPERTY = Pattern.compile("`tritium\\.([a-z.-]+)`");

  private static final Pattern EXAMPLE =
      Pattern.compile("(?ms)^```yaml\n# values.yaml[^\n]*\n(.*?)^```$");

  /** Settings that the chart sets from values of its own, or that make no sense in a pod. */
  private static final Set<String> NOT_SET_BY_NAME =
      Set.of(
          "admin.key",
          "admin.key-file",
          "api-keys",
          "api-keys-file",
          "energy.powercap",
          "exit-when-ready",
          "home",
          "host",
          "metrics.open",
          "model",
          "model-id",
          "port",
          "shutdown.grace");

  @Test
  void theReadmeHasEachValueWithItsDefault() throws IOException {
    Map<String, JsonNode> values = new TreeMap<>();
    leaves("", Manifest.YAML.readTree(Chart.FOLDER.resolve("values.yaml").toFile()), values);
    Map<String, JsonNode> documented = new TreeMap<>();
    for (MatchResult row :
        ROW.matcher(Files.readString(Chart.FOLDER.resolve("README.md"))).results().toList()) {
      documented.put(row.group(1), Api.JSON.readTree(row.group(2)));
    }
    assertEquals(values, documented);
  }

  private static void leaves(String path, JsonNode node, Map<String, JsonNode> found) {
    if (node.isObject() && !node.isEmpty()) {
      node.properties()
          .forEach(
              field ->
                  leaves(
                      path.isEmpty() ? field.getKey() : path + "." + field.getKey(),
                      field.getValue(),
                      found));
    } else {
      found.put(path, node);
    }
  }

  @Test
  void theSettingsAreThoseOfTheServer() throws IOException {
    String page = Files.readString(Path.of("docs/configuration.md"));
    Set<String> documented =
        page.substring(0, page.indexOf("## API keys"))
            .lines()
            .filter(line -> line.startsWith("| `tritium."))
            .flatMap(line -> PROPERTY.matcher(line.split("\\|", -1)[1]).results())
            .map(found -> found.group(1))
            .collect(Collectors.toCollection(TreeSet::new));
    assertTrue(documented.containsAll(NOT_SET_BY_NAME), documented::toString);
    documented.removeAll(NOT_SET_BY_NAME);
    Set<String> known = new TreeSet<>();
    Api.JSON
        .readTree(Chart.FOLDER.resolve("values.schema.json").toFile())
        .at("/properties/settings/properties")
        .fieldNames()
        .forEachRemaining(known::add);
    assertEquals(documented, known);
  }

  @Test
  void theExamplesInTheDocsAreTaken() throws IOException {
    List<String> examples =
        EXAMPLE
            .matcher(Files.readString(Path.of("docs/deploy.md")))
            .results()
            .map(found -> found.group(1))
            .toList();
    assertFalse(examples.isEmpty());
    examples.forEach(Chart::render);
  }

  @Test
  void itIsTheChartOfThisVersion() throws IOException {
    JsonNode chart = Manifest.YAML.readTree(Chart.FOLDER.resolve("Chart.yaml").toFile());
    assertTrue(
        Files.readString(Path.of("pom.xml"))
            .contains("<version>" + chart.get("appVersion").asText() + "-SNAPSHOT</version>"));
  }

  @Test
  void aClusterWithoutASleepingPreStopHookIsRefused() {
    String message =
        assertThrows(IllegalStateException.class, () -> Chart.render(Chart.yaml("{}"), "1.29.9"))
            .getMessage();
    assertTrue(message.contains(">=1.30.0"), message);
  }

  /** Helm names the value and says what is wrong with it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "replicas: 2 | replicas | not allowed",
        "workload: {replica: 2} | workload | not allowed",
        "workload: {replicas: two} | workload.replicas | integer",
        "workload: {replicas: -1} | workload.replicas | 0",
        "workload: {kind: DaemonSet} | workload.kind | Deployment",
        "model: {source: s3} | model.source | download",
        "model: {hub: {id: MMfreeLM-370M}} | model.hub.id | pattern",
        "model: {hub: {id: org/m@main}} | model.hub.id | pattern",
        "model: {hub: {id: 'https://hub/org/m'}} | model.hub.id | pattern",
        "model: {hub: {revision: ../main}} | model.hub.revision | pattern",
        "model: {hub: {revision: 1234567}} | model.hub.revision | string",
        "model: {hub: {endpoint: hub.example.org}} | model.hub.endpoint | pattern",
        "model: {hub: {token: hf_secret}} | model.hub.token | object",
        "model: {more: {m: models/a/b}} | model.more.m | pattern",
        "model: {claim: {path: /absolute}} | model.claim.path | pattern",
        "model: {download: {files: ['../x']}} | model.download.files.0 | pattern",
        "model: {download: {sha256: {config.json: abc}}} | sha256 | pattern",
        "model: {download: {url: 'file:///etc'}} | model.download.url | pattern",
        "image: {digest: 'md5:1'} | image.digest | pattern",
        "image: {pullPolicy: Sometimes} | image.pullPolicy | Always",
        "settings: {scheduler.max-runing: 8} | settings | scheduler.max-runing",
        "settings: {port: 9090} | settings | port",
        "settings: {threads: [2]} | settings.threads | array",
        "apiKeys: {secret: Upper_Case} | apiKeys.secret | pattern",
        "apiKeys: {value: sk-1} | apiKeys | value",
        "resources: {limits: {memory: lots}} | resources.limits.memory | pattern",
        "startup: {maxSeconds: 1} | startup.maxSeconds | 10",
        "drain: {graceSeconds: 25s} | drain.graceSeconds | integer",
        "security: {user: 0} | security.user | 1",
        "service: {port: 70000} | service.port | 65,535",
        "autoscaling: {kind: vpa} | autoscaling.kind | keda",
        "podDisruptionBudget: {maxUnavailable: half} | maxUnavailable | pattern",
        "metrics: {serviceMonitor: {interval: 15}} | metrics.serviceMonitor.interval | string",
        "energy: {rapl: true} | energy.rapl | object",
        "podLabels: {version: 1} | podLabels.version | string",
        // What needs another value:
        "model: {source: claim, id: m} | model.claim.name | set",
        "model: {source: download, id: m} | model.download.url | set",
        "model: {source: hub} | model.hub.id | set",
        "model: {source: claim, claim: {name: c}} | model.id | set",
        "model: {id: m, more: {m: org/m}} | model.more has the name m | model.id",
        "model: {id: a=b, more: {m: org/m}} | model.more: a=b is no name | slash",
        "model: {more: {org/m: org/m}} | model.more: org.m is no name | slash",
        "model: {download: {sha256: {a: \"%s\"}}} | model.download.files | names a",
        "autoscaling: {kind: keda} | autoscaling.prometheus | set",
        "autoscaling: {minReplicas: 9} | autoscaling.minReplicas is 9 | 4",
        "'{apiKeys: {secret: k}, metrics: {serviceMonitor: {enabled: true}}}' | bearer | metrics.open",
        "metrics: {serviceMonitor: {bearer: {secret: s}}} | bearer.key | set",
        "httpRoute: {enabled: true} | httpRoute.parentRefs | set",
      })
  void aWrongValueIsRefused(String values, String name, String why) {
    String yaml = values.replace("%s", "0".repeat(64));
    String message =
        assertThrows(IllegalStateException.class, () -> Chart.render(yaml), yaml).getMessage();
    assertTrue(message.replace("/", ".").contains(name) && message.contains(why), message);
  }
}
