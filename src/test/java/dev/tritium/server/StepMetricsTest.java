package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tritium.engine.Logprobs;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StepReport;
import dev.tritium.engine.StopRules;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.scheduler.Scheduler;
import dev.tritium.scheduler.SchedulerLimits;
import dev.tritium.testing.Exposition;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Models;
import dev.tritium.tokenizer.Tokenizer;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What reports become in Prometheus's format. */
@SuppressWarnings("deprecation") // the registry is the one that Quarkus has
class StepMetricsTest {
  private static final String FIRST_TOKEN_EDGES =
      ".001 .005 .01 .02 .04 .06 .08 .1 .25 .5 .75 1 2.5 5 7.5 10 20 40 80";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final StepMetrics metrics = new StepMetrics(registry, "m", Exemplars.none());
  private final StepReport report = new StepReport();

  private Exposition exposition() {
    return Exposition.of(registry.scrape());
  }

  private void assertEdges(String expected, String histogram) {
    List<Double> edges =
        Stream.of((expected + " Infinity").split(" ")).map(Double::valueOf).toList();
    assertEquals(edges, List.copyOf(exposition().buckets(histogram).keySet()), histogram);
  }

  @Test
  void theBucketsHaveTheEdgesThatDashboardsKnow() {
    RequestMetrics.begin(registry, "m");
    assertEdges(FIRST_TOKEN_EDGES, "llm_request_queue_seconds");
    assertEdges(FIRST_TOKEN_EDGES, "llm_request_prefill_seconds");
    assertEdges(FIRST_TOKEN_EDGES, "llm_time_to_first_token_seconds");
    assertEdges(
        ".001 .0025 .005 .01 .025 .05 .075 .1 .15 .2 .3 .4 .5 .75 1 2.5 5",
        "llm_inter_token_seconds");
    assertEdges(
        ".3 .5 .8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480", "llm_request_duration_seconds");
    assertEdges("1 2 4 8 16 32 64 128", "llm_batch_size");
  }

  @Test
  void theNamesAreExactlyThose() {
    assertEquals(
        Map.ofEntries(
            Map.entry("llm_prompt_tokens_total", "counter"),
            Map.entry("llm_generated_tokens_total", "counter"),
            Map.entry("llm_prefix_cache_queries_total", "counter"),
            Map.entry("llm_prefix_cache_hits_total", "counter"),
            Map.entry("llm_abandoned_rows_total", "counter"),
            Map.entry("llm_batch_size", "histogram"),
            Map.entry("llm_batch_size_max", "gauge"),
            Map.entry("llm_request_queue_seconds", "histogram"),
            Map.entry("llm_request_queue_seconds_max", "gauge"),
            Map.entry("llm_request_prefill_seconds", "histogram"),
            Map.entry("llm_request_prefill_seconds_max", "gauge"),
            Map.entry("llm_time_to_first_token_seconds", "histogram"),
            Map.entry("llm_time_to_first_token_seconds_max", "gauge"),
            Map.entry("llm_inter_token_seconds", "histogram"),
            Map.entry("llm_inter_token_seconds_max", "gauge")),
        exposition().types());
  }

  @Test
  void tokensAreCountedAndEachGapIsAValue() {
    RequestAccount account = new RequestAccount(7, null);
    report.add(account, 5, 0); // a part of a prompt
    report.add(account, 2, 3); // the end of one, of three answers
    report.add(account, 0, 1);
    report.setGap(2, 1_000_000); // an edge belongs to the bucket below it
    report.add(account, 0, 1);
    report.setGap(3, 7_000_000);
    report.addBegun(20, 13);
    report.addAbandoned(2);
    metrics.stepEnded(report);
    Exposition exposition = exposition();
    assertEquals(7, exposition.sum("llm_prompt_tokens_total"));
    assertEquals(5, exposition.sum("llm_generated_tokens_total"));
    assertEquals(20, exposition.sum("llm_prefix_cache_queries_total"));
    assertEquals(13, exposition.sum("llm_prefix_cache_hits_total"));
    assertEquals(2, exposition.sum("llm_abandoned_rows_total"));
    assertEquals(Map.of(4.0, 1.0), filled("llm_batch_size"));
    assertEquals(Map.of(.001, 1.0, .01, 1.0), filled("llm_inter_token_seconds"));
    assertEquals(.008, exposition.sum("llm_inter_token_seconds_sum"), 1e-12);
    assertEquals(0, exposition.sum("llm_time_to_first_token_seconds_count"));
  }

  @Test
  void aRequestIsTimedOnceItBeginsAndOnceItAnswers() {
    try (Tokenizer tokenizer = Tokenizer.open(Models.BUNDLED)) {
      Scheduler scheduler =
          new Scheduler(
              FakeModel.reciting(300),
              tokenizer,
              new ScalarRowKernels(),
              SchedulerLimits.defaults(),
              metrics);
      StopRules stop = new StopRules(3, 0, List.of(), Set.of());
      SequenceRequest prompt =
          new SequenceRequest(new int[5], 0, Sampling.greedy(), stop, Logprobs.NONE);
      RequestAccount account = scheduler.submit(List.of(prompt)).account();
      while (scheduler.step()) {
        assertEquals(1, exposition().sum("llm_request_queue_seconds_count"));
        assertEquals(1, exposition().sum("llm_time_to_first_token_seconds_count"));
      }
      Exposition exposition = exposition();
      double waited = exposition.sum("llm_request_queue_seconds_sum");
      double ran = exposition.sum("llm_request_prefill_seconds_sum");
      assertEquals(1, exposition.sum("llm_request_prefill_seconds_count"));
      assertEquals(account.queueNanos() / 1e9, waited, 1e-9);
      assertEquals(account.firstTokenNanos() / 1e9, waited + ran, 1e-9);
      assertEquals(waited + ran, exposition.sum("llm_time_to_first_token_seconds_sum"), 1e-9);
      assertEquals(2, exposition.sum("llm_inter_token_seconds_count"), "of three tokens");
      assertEquals(
          (account.lastStepNanos() - account.firstTokenNanos()) / 1e9,
          exposition.sum("llm_inter_token_seconds_sum"),
          1e-9);
    }
  }

  @Test
  void aFailedStepIsNoBatch() {
    report.clear();
    metrics.stepEnded(report);
    assertEquals(0, exposition().sum("llm_batch_size_count"));
  }

  /** The buckets that have values. */
  private Map<Double, Double> filled(String histogram) {
    Map<Double, Double> buckets = exposition().buckets(histogram);
    buckets.values().removeIf(count -> count == 0);
    return buckets;
  }
}
