package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.PowercapTree;
import dev.tritium.testing.PowercapTree.Zone;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A server whose machine has counters: a tree on disk. */
@QuarkusTest
@TestProfile(MeasuredEnergyTest.WithCounters.class)
@SuppressWarnings("NullAway.Init") // injected
public class MeasuredEnergyTest {
  private static final PowercapTree TREE =
      new PowercapTree(Path.of("target", "measured-energy").toAbsolutePath());

  @TestHTTPResource URI base;

  /** The settings, the last two for AccessLogTextTest: each start takes seconds. */
  public static final class WithCounters implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      zone();
      return Map.of(
          "tritium.energy.source", "rapl",
          "tritium.energy.powercap", TREE.root().toString(),
          "tritium.energy.idle-watts", "0",
          "tritium.access-log.enabled", "true",
          "tritium.access-log.text", "true");
    }
  }

  private static Zone zone() {
    return TREE.zone("intel-rapl/intel-rapl:0", "package-0").range(1_000_000_000);
  }

  private static JsonNode usage(Api api) {
    return api.ask("/v1/completions", "prompt", "Once", "max_tokens", 20).get("usage");
  }

  @Test
  void answersAreMeasuredUntilTheCounterFailsAndThenSayNothing() {
    Api api = Api.ready(base);
    Zone zone = zone().energy(5_000_000); // nothing else of the process counts: idle power is 0
    JsonNode energy = usage(api).get("energy");
    assertEquals("rapl", energy.get("source").textValue(), energy::toString);
    assertEquals("measured", energy.get("quality").textValue(), energy::toString);
    assertTrue(energy.get("joules").doubleValue() <= 5, energy::toString);
    assertEquals(5, api.metric("llm_host_energy_joules_total"), 1e-9);
    String metrics = api.get("/q/metrics").body();
    assertTrue(
        metrics.contains(
            "llm_host_energy_joules_total{quality=\"measured\",source=\"rapl\",zone=\"package-0\"}"),
        metrics);
    assertFalse(metrics.contains("llm_process_energy_estimate_bound"), metrics);

    zone.energy("no number");
    JsonNode unknown = usage(api);
    assertFalse(unknown.has("energy"), unknown::toString);
    assertEquals(5, api.metric("llm_host_energy_joules_total"), 1e-9);
    assertTrue(
        api.get("/q/metrics")
            .body()
            .lines()
            .anyMatch(
                line ->
                    line.startsWith("llm_energy_meter_errors_total{reason=\"garbage\"}")
                        && !line.endsWith(" 0.0")));
  }
}
