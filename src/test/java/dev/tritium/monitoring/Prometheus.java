package dev.tritium.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * A real Prometheus, which scrapes one server each second and evaluates our rules. It listens on
 * the loopback alone and keeps everything in one folder.
 */
final class Prometheus implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final HttpClient client = HttpClient.newHttpClient();
  private final Process process;
  private final Path log;
  private final String base;

  private Prometheus(Process process, Path log, String base) {
    this.process = process;
    this.log = log;
    this.base = base;
  }

  /** A new one; without the program the test is skipped, and says what installs it. */
  static Prometheus start(Path folder, String target) throws IOException {
    Path program = program("prometheus");
    Path configuration = folder.resolve("prometheus.yml");
    Files.writeString(
        configuration,
        """
        global:
          scrape_interval: 1s
          evaluation_interval: 1s
        rule_files: ['%s']
        scrape_configs:
          - job_name: tritium
            metrics_path: /q/metrics
            static_configs:
              - targets: ['%s']
        """
            .formatted(Expression.RULES.toAbsolutePath(), target));
    String address;
    try (ServerSocket free = new ServerSocket(0)) {
      address = "127.0.0.1:" + free.getLocalPort();
    }
    Path log = folder.resolve("prometheus.log");
    Process process =
        new ProcessBuilder(
                program.toString(),
                "--config.file=" + configuration,
                "--storage.tsdb.path=" + folder.resolve("data"),
                "--web.listen-address=" + address,
                "--enable-feature=exemplar-storage",
                "--log.level=warn")
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    Prometheus prometheus = new Prometheus(process, log, "http://" + address);
    try {
      Api.await("Prometheus is ready", LIMIT, prometheus::isReady);
    } catch (AssertionError e) {
      prometheus.close();
      throw e;
    }
    return prometheus;
  }

  /** Where a program of Debian's package prometheus is. */
  static Path program(String name) {
    Optional<Path> found = Programs.find(name, "target/prometheus");
    assumeTrue(found.isPresent(), name + " is missing: .ci/install-prometheus gets it");
    return found.get();
  }

  private boolean isReady() {
    assertTrue(process.isAlive(), this::log);
    try {
      return exchange("/-/ready").statusCode() == 200;
    } catch (IOException e) { // the port is not open yet
      return false;
    }
  }

  /** What the numbers of an expression are now, without their labels. */
  double[] ask(String promQl) {
    JsonNode data = get("/api/v1/query?query=" + URLEncoder.encode(promQl, StandardCharsets.UTF_8));
    JsonNode result = data.get("result");
    return switch (data.get("resultType").textValue()) {
      case "vector" -> result.valueStream().mapToDouble(s -> number(s.get("value"))).toArray();
      case "scalar" -> DoubleStream.of(number(result)).toArray();
      default -> throw new AssertionError(promQl + " -> " + data);
    };
  }

  /** Of a time and a value. */
  private static double number(JsonNode sample) {
    return Double.parseDouble(sample.get(1).textValue().replace("Inf", "Infinity"));
  }

  /** The values of a label, of all series or of those that a selector names. */
  Stream<String> labelValues(String label, String... selector) {
    StringBuilder path = new StringBuilder("/api/v1/label/" + label + "/values?");
    for (String one : selector) {
      path.append("match[]=").append(URLEncoder.encode(one, StandardCharsets.UTF_8));
    }
    return get(path.toString().replace("[]", "%5B%5D")).valueStream().map(JsonNode::textValue);
  }

  /** The traces that exemplars of the last minutes name. */
  Stream<String> exemplars(String promQl) {
    long now = System.currentTimeMillis() / 1_000;
    JsonNode series =
        get(
            "/api/v1/query_exemplars?query=%s&start=%d&end=%d"
                .formatted(
                    URLEncoder.encode(promQl, StandardCharsets.UTF_8), now - 600, now + 600));
    return series
        .valueStream()
        .flatMap(one -> one.get("exemplars").valueStream())
        .map(exemplar -> exemplar.at("/labels/trace_id").textValue());
  }

  /** The data of an answer that must be a success. */
  private JsonNode get(String path) {
    try {
      HttpResponse<String> response = exchange(path);
      assertEquals(200, response.statusCode(), () -> path + " -> " + response.body());
      return Api.JSON.readTree(response.body()).get("data");
    } catch (IOException e) {
      throw new UncheckedIOException(path + "\n" + log(), e);
    }
  }

  private HttpResponse<String> exchange(String path) throws IOException {
    HttpRequest request = HttpRequest.newBuilder(URI.create(base + path)).timeout(LIMIT).build();
    try {
      return client.send(request, BodyHandlers.ofString());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      throw new AssertionError(e);
    }
    client.close();
  }
}
