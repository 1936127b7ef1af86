package dev.tritium.server;

import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdkBuilder;
import io.quarkus.arc.Unremovable;
import io.quarkus.opentelemetry.runtime.AutoConfiguredOpenTelemetrySdkBuilderCustomizer;
import jakarta.inject.Singleton;
import java.util.Map;

/**
 * Sends spans by Quarkus's exporter and nothing else by OpenTelemetry. Its variables may say {@code
 * otlp}, as they do in many clusters; the exporters that they name there are not on board.
 */
@Singleton
@Unremovable
public class SpansOnly implements AutoConfiguredOpenTelemetrySdkBuilderCustomizer {
  private static final Map<String, String> EXPORTERS =
      Map.of(
          "otel.traces.exporter", "cdi", //
          "otel.metrics.exporter", "none",
          "otel.logs.exporter", "none");

  @Override
  public void customize(AutoConfiguredOpenTelemetrySdkBuilder builder) {
    builder.addPropertiesCustomizer(ignored -> EXPORTERS);
  }
}
