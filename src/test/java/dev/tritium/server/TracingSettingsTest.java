package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.smallrye.config.EnvConfigSource;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When traces are exported, and where to. */
class TracingSettingsTest {
  private static final String ENDPOINT = "quarkus.otel.exporter.otlp.endpoint";

  private static SmallRyeConfig config(
      Map<String, String> environment, Map<String, String> properties) {
    return new SmallRyeConfigBuilder()
        .withDefaultValue(ENDPOINT, "http://localhost:4317") // as Quarkus has it
        .withSources(new EnvConfigSource(environment, 300))
        .withSources(new PropertiesConfigSource(properties, "a file", 260))
        .withSources(new TracingSettings())
        .build();
  }

  private static String variable(String name, String value, String property) {
    return config(Map.of(name, value), Map.of())
        .getConfigValue("quarkus.otel." + property)
        .getValue();
  }

  private static boolean isOff(SmallRyeConfig config) {
    return config.getValue(Tracing.DISABLED, Boolean.class);
  }

  @Test
  void anEndpointSwitchesTracesOnAndNothingElseDoes() {
    Map<String, String> endpoint = Map.of(ENDPOINT, "http://c:4318");
    assertTrue(isOff(config(Map.of(), Map.of())));
    assertTrue(isOff(config(Map.of("OTEL_SERVICE_NAME", "a"), Map.of())));
    assertTrue(isOff(config(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", " "), Map.of())));
    assertFalse(isOff(config(Map.of(), endpoint)));
    assertFalse(isOff(config(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"), Map.of())));
    assertFalse(isOff(config(Map.of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c"), Map.of())));
    assertTrue(isOff(config(Map.of("OTEL_SDK_DISABLED", "true"), endpoint)));
    assertTrue(isOff(config(Map.of("OTEL_TRACES_EXPORTER", "none"), endpoint)));
    assertTrue(isOff(config(Map.of("QUARKUS_OTEL_SDK_DISABLED", "true"), endpoint)));
    assertFalse(isOff(config(Map.of("QUARKUS_OTEL_SDK_DISABLED", "false"), Map.of())), "asked for");
  }

  @ParameterizedTest
  @CsvSource({
    "OTEL_EXPORTER_OTLP_ENDPOINT, http://c:4318, exporter.otlp.endpoint, http://c:4318",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, http://c/v1/traces, exporter.otlp.traces.endpoint, http://c",
    "OTEL_EXPORTER_OTLP_PROTOCOL, grpc, exporter.otlp.protocol, grpc",
    "OTEL_EXPORTER_OTLP_TIMEOUT, 2500, exporter.otlp.timeout, 2500ms",
    "OTEL_EXPORTER_OTLP_HEADERS, a=Basic%20eA+, exporter.otlp.headers, a=Basic eA+",
    "OTEL_BSP_SCHEDULE_DELAY, 100, bsp.schedule.delay, 100ms",
    "OTEL_BSP_MAX_QUEUE_SIZE, 64, bsp.max.queue.size, 64",
    "OTEL_SERVICE_NAME, stories, service.name, stories",
    "OTEL_TRACES_SAMPLER_ARG, 0.1, traces.sampler.arg, 0.1"
  })
  void theVariablesOfTheSpecificationCount(
      String variable, String value, String property, String expected) {
    assertEquals(expected, variable(variable, value, property));
  }

  @Test
  void theProtocolIsTheSpecificationsUnlessSet() {
    assertEquals("http/protobuf", variable("A", "b", "exporter.otlp.protocol"));
  }

  @Test
  void quarkussOwnSettingsGoFirst() {
    SmallRyeConfig config =
        config(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"), Map.of(ENDPOINT, "http://b"));
    assertEquals("http://b", config.getConfigValue(ENDPOINT).getValue());
  }
}
