package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import org.junit.jupiter.api.Test;

/** Whoever does not want clients to see joules can still see them. */
@QuarkusTest
@TestProfile(LatencyAgreementTest.Slow.class)
@SuppressWarnings("NullAway.Init") // injected
class UsageWithoutEnergyTest {
  @TestHTTPResource URI base;

  @Test
  void answersHaveNoJoulesAndMetricsDo() {
    Api api = Api.ready(base);
    JsonNode answer = api.ask("/v1/completions", "prompt", "Once", "max_tokens", 20);
    assertFalse(answer.get("usage").has("energy"), answer::toString);
    assertTrue(api.metric("llm_process_energy_joules_total") > 0);
    double low = metric(api, "low");
    double high = metric(api, "high");
    assertTrue(0 < low && low < high, low + " to " + high);
  }

  private static double metric(Api api, String bound) {
    return api.get("/q/metrics")
        .body()
        .lines()
        .filter(
            line ->
                line.startsWith(
                    "llm_process_energy_estimate_bound_joules_total{bound=\"" + bound + "\"}"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }
}
