package dev.tritium.kubernetes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Programs;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The plain manifests as kustomize builds them, held against the schemas of a cluster's API. */
class KustomizeTest {
  private static final Path FOLDER = Path.of("k8s");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "base",
        "overlays/small",
        "overlays/large",
        "examples/kserve",
        "examples/inference-pool",
        "examples/load-test"
      })
  void aClusterTakesIt(String folder) throws Exception {
    List<Manifest> all = build(folder);
    List<String> problems = new ArrayList<>(ClusterRules.brokenBy(all));
    all.forEach(manifest -> problems.addAll(new ApiSchemas().problemsOf(manifest)));
    assertEquals(List.of(), problems);
  }

  @Test
  void nothingIsLeftOut() throws Exception {
    try (Stream<Path> files = Files.walk(FOLDER)) {
      List<String> builds =
          files
              .filter(file -> file.endsWith("kustomization.yaml"))
              .filter(file -> Chart.yaml(read(file)).get("kind").asText().equals("Kustomization"))
              .map(file -> FOLDER.relativize(file.getParent()).toString())
              .sorted()
              .toList();
      assertEquals(
          List.of(
              "base",
              "examples/inference-pool",
              "examples/kserve",
              "examples/load-test",
              "overlays/large",
              "overlays/small"),
          builds);
    }
  }

  /** What the chart renders and what the plain manifests say is the same server. */
  @Test
  void theBaseIsTheChartWithItsDefaults() throws Exception {
    JsonNode plain = Chart.one(build("base"), "Deployment").at("/spec/template/spec");
    JsonNode chart = Chart.one(Chart.render(""), "Deployment").at("/spec/template/spec");
    for (String same :
        List.of(
            "/containers/0/env",
            "/containers/0/startupProbe",
            "/containers/0/readinessProbe",
            "/containers/0/livenessProbe",
            "/containers/0/lifecycle",
            "/containers/0/securityContext",
            "/containers/0/resources",
            "/containers/0/volumeMounts",
            "/securityContext",
            "/terminationGracePeriodSeconds",
            "/volumes")) {
      assertEquals(chart.at(same), plain.at(same), same);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"overlays/small", "overlays/large"})
  void anOverlayPullsACommitAndServesItAsTheChartDoes(String folder) throws Exception {
    List<Manifest> all = build(folder);
    JsonNode pod = Chart.one(all, "Deployment").at("/spec/template/spec");
    JsonNode server = pod.at("/containers/0");
    Map<String, String> variables = Chart.variables(server);
    String[] model = variables.getOrDefault("TRITIUM_MODEL", "").split("@", 2);
    assertTrue(model[1].matches("[0-9a-f]{40}"), model[1]);
    List<Manifest> charts =
        Chart.render(
            """
            model: {source: hub, id: "%s", hub: {id: "%s", revision: "%s"}}
            drain: {graceSeconds: %s}
            """
                .formatted(
                    variables.get("TRITIUM_MODEL_ID"),
                    model[0],
                    model[1],
                    variables.getOrDefault("TRITIUM_SHUTDOWN_GRACE", "").replace("s", "")));
    JsonNode chart = Chart.one(charts, "Deployment").at("/spec/template/spec");
    assertEquals(Chart.variables(chart.at("/containers/0")), variables);
    JsonNode pull = pod.at("/initContainers/0");
    for (String same : List.of("args", "env", "securityContext", "volumeMounts")) {
      assertEquals(chart.at("/initContainers/0").get(same), pull.get(same), same);
    }
    assertEquals(server.get("image"), pull.get("image"));
    assertEquals(
        Chart.one(charts, "NetworkPolicy").at("/spec/egress"),
        Chart.one(all, "NetworkPolicy").at("/spec/egress"));
  }

  /** The load test asks the Service of the base, at its port. */
  @Test
  void theLoadTestAsksTheBase() throws Exception {
    Manifest service = Chart.one(build("base"), "Service");
    String url = "http://%s:%d".formatted(service.name(), service.at("/spec/ports/0/port").asInt());
    Manifest job = Chart.one(build("examples/load-test"), "Job");
    List<String> arguments =
        job.at("/spec/template/spec/containers/0/args")
            .valueStream()
            .map(JsonNode::asText)
            .toList();
    assertEquals(url, arguments.get(arguments.indexOf("--url") + 1));
    assertEquals(0, job.at("/spec/backoffLimit").asInt(-1), "a broken rule is a result");
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Builds with kustomize, or the one in kubectl; without both the test is skipped. */
  private static List<Manifest> build(String folder) throws Exception {
    List<String> command =
        program("kustomize")
            .map(kustomize -> List.of(kustomize, "build"))
            .or(() -> program("kubectl").map(kubectl -> List.of(kubectl, "kustomize")))
            .orElse(List.of());
    assumeTrue(
        !command.isEmpty(), "kustomize and kubectl are missing: .ci/install-kubernetes gets one");
    ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(command));
    builder.command().add(FOLDER.resolve(folder).toString());
    File errors = File.createTempFile("kustomize", ".log");
    try {
      Process process = builder.redirectError(errors).start();
      String built = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      String said = Files.readString(errors.toPath());
      assertEquals(0, process.waitFor(), said);
      assertEquals("", said); // such as a field that is deprecated
      return Manifest.parse(built);
    } finally {
      Files.delete(errors.toPath());
    }
  }

  private static Optional<String> program(String name) {
    return Programs.find(name, "target/kustomize").map(Path::toString);
  }
}
