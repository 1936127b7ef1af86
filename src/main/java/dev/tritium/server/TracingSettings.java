package dev.tritium.server;

import io.smallrye.config.ConfigSourceContext;
import io.smallrye.config.ConfigSourceFactory;
import io.smallrye.config.ConfigValue;
import io.smallrye.config.PropertiesConfigSource;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.eclipse.microprofile.config.spi.ConfigSource;

/**
 * Switches OpenTelemetry on where somebody has said where traces go, and off everywhere else. Takes
 * over the variables that OpenTelemetry's specification has for that, which Quarkus does not read.
 */
public final class TracingSettings implements ConfigSourceFactory {
  private static final String ENDPOINT = "exporter.otlp.endpoint";
  private static final String TRACES_ENDPOINT = "exporter.otlp.traces.endpoint";

  /** Below application.properties: what is set there or anywhere else goes first. */
  private static final int ORDINAL = 200;

  /** Of the specification, without its prefix. */
  private static final List<String> TAKEN_OVER =
      List.of(
          ENDPOINT,
          TRACES_ENDPOINT,
          "exporter.otlp.protocol",
          "exporter.otlp.traces.protocol",
          "exporter.otlp.headers",
          "exporter.otlp.traces.headers",
          "exporter.otlp.timeout",
          "exporter.otlp.traces.timeout",
          "exporter.otlp.compression",
          "exporter.otlp.traces.compression",
          "bsp.schedule.delay",
          "bsp.export.timeout",
          "bsp.max.queue.size",
          "bsp.max.export.batch.size",
          "service.name",
          "resource.attributes",
          "traces.sampler",
          "traces.sampler.arg");

  @Override
  public Iterable<ConfigSource> getConfigSources(ConfigSourceContext context) {
    Map<String, String> settings = new HashMap<>();
    settings.put("quarkus.otel.exporter.otlp.protocol", "http/protobuf"); // the specification's
    for (String name : TAKEN_OVER) {
      given(context, "otel." + name)
          .ifPresent(value -> settings.put("quarkus.otel." + name, asInQuarkus(name, value)));
    }
    boolean configured =
        Stream.of(ENDPOINT, TRACES_ENDPOINT)
            .flatMap(name -> Stream.of("otel." + name, "quarkus.otel." + name))
            .anyMatch(name -> given(context, name).isPresent());
    boolean unwanted =
        given(context, "otel.sdk.disabled").filter("true"::equalsIgnoreCase).isPresent()
            || given(context, "otel.traces.exporter").filter("none"::equals).isPresent();
    settings.put(Tracing.DISABLED, String.valueOf(unwanted || !configured));
    return List.of(new PropertiesConfigSource(settings, "exporter of traces", ORDINAL));
  }

  private static String asInQuarkus(String name, String value) {
    if (name.equals(TRACES_ENDPOINT)) {
      return value.replaceFirst("/v1/traces/?$", ""); // is appended
    }
    if (name.endsWith(".headers")) {
      return URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
    return name.endsWith(".timeout") || name.endsWith(".delay") ? value + "ms" : value;
  }

  /** What somebody has set, which a default is not. */
  private static Optional<String> given(ConfigSourceContext context, String name) {
    ConfigValue value = context.getValue(name);
    return Optional.ofNullable(value)
        .filter(found -> found.getConfigSourceOrdinal() > 0)
        .map(ConfigValue::getValue)
        .filter(text -> !text.isBlank());
  }
}
