package dev.tritium.server;

import dev.tritium.api.openai.Endpoint;
import dev.tritium.api.openai.Outcome;
import dev.tritium.api.openai.RequestListener;
import dev.tritium.api.openai.RequestNotes;
import dev.tritium.api.openai.RequestReport;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;

/** Counts and times HTTP exchanges. No label has a value of a client's making. */
@Singleton
public class RequestMetrics implements RequestListener {
  private final MeterRegistry registry;
  private final Exemplars exemplars;
  private final ModelLabels labels;

  RequestMetrics(MeterRegistry registry, Exemplars exemplars, ModelLabels labels) {
    this.registry = registry;
    this.exemplars = exemplars;
    this.labels = labels;
  }

  /** Begins the series of a model, so that its first failure is an increase, too. */
  static void begin(MeterRegistry registry, String model) {
    for (Outcome outcome : Outcome.values()) {
      requests(registry, model, Endpoint.COMPLETIONS, outcome);
      requests(registry, model, Endpoint.CHAT, outcome);
    }
    Latency.DURATION.timer(registry, model);
  }

  @Override
  public void requestEnded(RequestReport report) {
    if (report.endpoint() == Endpoint.HEALTH || report.endpoint() == Endpoint.METRICS) {
      return;
    }
    RequestNotes notes = report.notes();
    String model = labels.of(notes.model());
    requests(registry, model, report.endpoint(), report.outcome()).increment();
    if (notes.account() != null) {
      exemplars.of(notes.account());
      Latency.DURATION.timer(registry, model).record(report.nanos(), TimeUnit.NANOSECONDS);
      exemplars.of(null);
    }
  }

  private static Counter requests(
      MeterRegistry registry, String model, Endpoint endpoint, Outcome outcome) {
    return Counter.builder("llm.requests")
        .description("HTTP requests that have ended, but for health checks and metrics")
        .tag("model", model)
        .tag("endpoint", endpoint.label())
        .tag("outcome", outcome.label())
        .register(registry);
  }
}
