package dev.tritium.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.PackagedServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What operators get, asked of a real Prometheus that scrapes the packaged server under load. */
@SuppressWarnings("NullAway.Init") // set by start
class MonitoringIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir static Path folder;
  private static PackagedServer server;
  private static Prometheus prometheus;
  private static String target;
  private static Api api;
  private static Load load;

  @BeforeAll
  static void start() throws IOException {
    Prometheus.program("prometheus"); // else nothing needs to start
    server =
        PackagedServer.start(
            folder.resolve("server.log"),
            Map.of(),
            "-Xmx64m", // so that it collects garbage soon
            "-Dtritium.energy.source=estimate", // counters have no bounds
            "-Dtritium.scheduler.max-running=2",
            "-Dtritium.scheduler.max-waiting=1",
            "-Dtritium.access-log.enabled=false");
    api = server.ready();
    target = "127.0.0.1:" + server.port();
    prometheus = Prometheus.start(folder, target);
    load = new Load(api);
  }

  @AfterAll
  static void end() throws Exception {
    try {
      if (load != null) {
        load.end();
      }
    } finally {
      if (prometheus != null) {
        prometheus.close();
      }
      if (server != null) {
        server.close();
      }
    }
  }

  @Test
  void everyPanelShowsNumbers() throws Exception {
    Map<String, String> variables =
        Map.of(
            "model", "tritium-stories-17m",
            "instance", target.replace(".", "\\\\."),
            "__rate_interval", "20s");
    List<Expression> expressions = Expression.ofDashboard(variables);
    assertFalse(expressions.toString().contains("$"), expressions::toString);
    assertAllAnswer(expressions);
  }

  @Test
  void theVariablesOfTheDashboardHaveValues() throws IOException {
    for (JsonNode variable : Expression.dashboard().at("/templating/list")) {
      if (variable.get("type").textValue().equals("query")) {
        String[] parts =
            variable
                .get("definition")
                .textValue()
                .split("[(),] ?", -1); // label_values(SELECTOR, LABEL)
        String selector = parts[1].replace("$model", ".+");
        Api.await(
            variable.toString(),
            PATIENCE,
            () -> prometheus.labelValues(parts[2], selector).findAny().isPresent());
      }
    }
  }

  @Test
  void everyRecordingRuleRecordsNumbers() throws Exception {
    assertAllAnswer(Expression.ofRecordingRules());
  }

  @Test
  void everyAlertHasSomethingToCompare() throws Exception {
    assertAllAnswer(Expression.ofAlerts());
  }

  @Test
  void everyExpressionInTheDocsHasAnAnswer() throws Exception {
    assertAllAnswer(Expression.ofDocs());
  }

  /** Waits until Prometheus knows every metric that they name and each has a finite answer. */
  private static void assertAllAnswer(List<Expression> expressions) throws InterruptedException {
    assertFalse(expressions.isEmpty());
    Map<Expression, String> missing = new LinkedHashMap<>();
    long end = System.nanoTime() + PATIENCE.toNanos();
    do {
      Set<String> known = prometheus.labelValues("__name__").collect(Collectors.toSet());
      missing.clear();
      for (Expression expression : expressions) {
        String what = missing(expression, known);
        if (!what.isEmpty()) {
          missing.put(expression, what);
        }
      }
      Thread.sleep(missing.isEmpty() ? 0 : 500);
    } while (!missing.isEmpty() && System.nanoTime() < end);
    assertTrue(
        missing.isEmpty(),
        () ->
            missing.entrySet().stream()
                .map(
                    e ->
                        "%s: %s%n  %s"
                            .formatted(e.getKey().where(), e.getValue(), e.getKey().promQl()))
                .collect(Collectors.joining("\n", "no answer\n", "\n" + prometheus.log())));
  }

  /** What an expression lacks now; nothing if it has an answer of finite numbers. */
  private static String missing(Expression expression, Set<String> known) {
    for (String metric : expression.metrics()) {
      if (!known.contains(metric)) {
        return "there is no " + metric;
      }
    }
    double[] values = prometheus.ask(expression.promQl());
    for (double value : values) {
      if (!Double.isFinite(value)) {
        return "it is " + value;
      }
    }
    return values.length == 0 ? "it is empty" : "";
  }

  @Test
  void energyThatWasEstimatedIsCalledSo() {
    String energy = "{__name__=~\"llm_.+_energy_joules(_total|_count)\"}";
    Api.await("energy", PATIENCE, () -> prometheus.labelValues("__name__", energy).count() == 3);
    assertEquals(List.of("estimated"), prometheus.labelValues("quality", energy).toList());
    double[] unlabelled = prometheus.ask("count(" + energy.replace("}", ",quality=\"\"}") + ")");
    assertEquals(0, unlabelled.length);
  }

  @Test
  void everyOutcomeThatTheLoadBringsAboutIsCounted() {
    for (String outcome : List.of("ok", "refused", "overloaded", "cancelled")) {
      Api.await(
          outcome,
          PATIENCE,
          () -> {
            double[] sum =
                prometheus.ask("sum(llm_requests_total{outcome=\"%s\"})".formatted(outcome));
            return sum.length == 1 && sum[0] > 0;
          });
    }
  }

  @Test
  void promtoolHasNothingToSayOfOurMetrics() throws Exception {
    Path metrics = folder.resolve("metrics");
    Files.writeString(metrics, api.get("/q/metrics", "Accept", "text/plain").body());
    Promtool run = Promtool.run(metrics, "check", "metrics");
    assertTrue(Set.of(0, 3).contains(run.status()), run::toString); // 3: it complains of a metric
    assertEquals(List.of(), run.said().lines().filter(line -> line.startsWith("llm_")).toList());
  }
}
