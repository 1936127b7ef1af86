package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What answers cost, by whatever source this machine has. */
@QuarkusTest
class UsageEnergyTest {
  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";
  private static final List<Map<String, String>> MESSAGES =
      List.of(Map.of("role", "user", "content", "Tell me of a cat."));

  @TestHTTPResource URI base;
  private Api api;

  @BeforeEach
  void connect() {
    api = Api.ready(base);
  }

  @Test
  void aPlainAnswerSaysWhatItCostAndHowThatIsKnown() {
    assertCost(30, api.ask(COMPLETIONS, "prompt", "Once", "max_tokens", 30, "ignore_eos", true));
    assertCost(
        2 * 30, api.ask(CHAT, "messages", MESSAGES, "max_tokens", 30, "ignore_eos", true, "n", 2));
  }

  private void assertCost(int tokens, JsonNode answer) {
    JsonNode energy = answer.at("/usage/energy");
    double joules = energy.get("joules").doubleValue();
    assertTrue(joules > 0 && joules < 1e6, answer::toString);
    assertEquals(
        joules / tokens,
        energy.get("joules_per_token").doubleValue(),
        1e-5 * joules,
        answer::toString);
    String label =
        "llm_energy_source_info{quality=\"%s\",source=\"%s\"} 1.0"
            .formatted(energy.get("quality").textValue(), energy.get("source").textValue());
    String metrics = api.get("/q/metrics").body();
    assertTrue(metrics.contains(label), () -> label + " is not in " + metrics);
  }

  @Test
  void aStreamSaysItWhereUsageIsAskedFor() {
    for (String path : List.of(COMPLETIONS, CHAT)) {
      String name = path.equals(CHAT) ? "messages" : "prompt";
      Object text = path.equals(CHAT) ? MESSAGES : "Once";
      List<JsonNode> events =
          api.stream(
                  path,
                  name,
                  text,
                  "max_tokens",
                  20,
                  "ignore_eos",
                  true,
                  "stream",
                  true,
                  "stream_options",
                  Map.of("include_usage", true))
              .events();
      assertCost(20, events.getLast());
      List<JsonNode> each =
          api.stream(
                  path,
                  name,
                  text,
                  "max_tokens",
                  300,
                  "ignore_eos",
                  true,
                  "stream",
                  true,
                  "stream_options",
                  Map.of("include_usage", true, "continuous_usage_stats", true))
              .events();
      double last = 0;
      for (JsonNode event : each) {
        double joules = event.at("/usage/energy/joules").doubleValue();
        assertTrue(joules >= last, event::toString);
        last = joules;
      }
      assertCost(300, each.getLast());
    }
  }

  @Test
  void aStreamWithoutUsageSaysNothing() {
    api.stream(COMPLETIONS, "prompt", "Once", "max_tokens", 5, "stream", true)
        .events()
        .forEach(event -> assertFalse(event.has("usage"), event::toString));
  }

  @Test
  void aPromptThatIsOnlyScoredHasNoCostPerToken() {
    JsonNode answer =
        api.ask(
            COMPLETIONS,
            "prompt",
            "Once upon a time",
            "max_tokens",
            0,
            "echo",
            true,
            "logprobs",
            1);
    JsonNode energy = answer.at("/usage/energy");
    assertTrue(energy.get("joules").doubleValue() > 0, answer::toString);
    assertTrue(energy.get("joules_per_token").isNull(), answer::toString);
  }

  /** Micrometer's own histograms would put anything below 1 J into the bucket of 1 J. */
  @Test
  void theHistogramOfRequestsHasTheJoulesOfAnswersInTheirBuckets() {
    String labels = "{model=\"tritium-stories-17m\",endpoint=\"completions\"";
    api.ask(COMPLETIONS, "prompt", "Once", "max_tokens", 5);
    Api.await("it was recorded", Duration.ofSeconds(20), () -> histogram(labels, "_count") > 0);
    Api.await("nothing runs", Duration.ofSeconds(20), () -> api.running() == 0);
    double count = histogram(labels, "_count");
    double sum = histogram(labels, "_sum");
    JsonNode answer = api.ask(COMPLETIONS, "prompt", "Once", "max_tokens", 50, "ignore_eos", true);
    double joules = answer.at("/usage/energy/joules").doubleValue();
    Api.await("one more", Duration.ofSeconds(20), () -> histogram(labels, "_count") == count + 1);
    assertEquals(joules, histogram(labels, "_sum") - sum, 1e-5 * joules + 1e-9);
    String metrics = api.get("/q/metrics").body();
    double below = 0;
    int buckets = 0;
    for (String line : metrics.lines().toList()) {
      if (line.startsWith("llm_request_energy_joules_bucket" + labels)) {
        double inBucket = Double.parseDouble(line.substring(line.lastIndexOf(' ')));
        assertTrue(inBucket >= below, metrics);
        below = inBucket;
        buckets++;
      }
    }
    assertEquals(23, buckets, metrics);
    assertEquals(count + 1, below, metrics);
    assertFalse(metrics.contains("llm_request_energy_joules_created"), metrics);
    double active = metric("llm_process_energy_joules_total{component=\"active\"");
    assertTrue(active >= joules, metrics);
  }

  private double histogram(String labels, String suffix) {
    return metric("llm_request_energy_joules" + suffix + labels);
  }

  /** The sum of the lines that begin so; 0 if there is none. */
  private double metric(String beginning) {
    return api.get("/q/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(beginning))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }
}
