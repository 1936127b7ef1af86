package dev.tritium.server;

import dev.tritium.api.openai.Endpoint;
import dev.tritium.api.openai.EnergyLabel;
import dev.tritium.api.openai.RequestListener;
import dev.tritium.api.openai.RequestReport;
import dev.tritium.energy.EnergyLedger;
import dev.tritium.energy.EnergyLedger.Totals;
import dev.tritium.energy.EnergyMeter;
import dev.tritium.energy.EnergyZone;
import dev.tritium.energy.MeterError;
import dev.tritium.engine.RequestAccount;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import io.prometheus.client.Collector;
import io.prometheus.client.Histogram;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** Joules in Micrometer: of the host, the process and its requests. */
@Singleton
public class EnergyMetrics implements RequestListener {
  private static final double[] JOULES = {
    .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000,
    2_500, 5_000, 10_000
  };

  private final MeterRegistry registry;
  private final ModelLabels labels;
  private final Histogram requests = histogram();
  private volatile @Nullable EnergyLabel label; // of what is counted

  @SuppressWarnings("deprecation") // Quarkus has no other registry yet
  EnergyMetrics(MeterRegistry registry, PrometheusMeterRegistry prometheus, ModelLabels labels) {
    this.registry = registry;
    this.labels = labels;
    prometheus.getPrometheusRegistry().register(withoutCreationTimes(requests));
  }

  /** Shows what is counted. */
  void serve(EnergyMetering energy) {
    EnergyMeter meter = energy.meter();
    EnergyLedger<RequestAccount> ledger = energy.ledger();
    String source = meter.source();
    String quality = meter.quality().label();
    Gauge.builder("llm.energy.source.info", () -> 1)
        .description("Where energy figures come from")
        .tag("source", source)
        .tag("quality", quality)
        .register(registry);
    for (EnergyZone zone : meter.zones()) {
      joules("llm.host.energy", ledger, totals -> zone.joules())
          .description("Energy of a part of the host")
          .tag("zone", zone.name())
          .tag("source", source)
          .tag("quality", quality)
          .register(registry);
    }
    component("idle", ledger, Totals::idle, source, quality);
    component("active", ledger, Totals::active, source, quality);
    if (meter.bounds().isPresent()) {
      bound("low", ledger, Totals::low);
      bound("high", ledger, Totals::high);
    }
    for (MeterError reason : MeterError.values()) {
      FunctionCounter.builder("llm.energy.meter.errors", energy.errors(), e -> e.of(reason))
          .description("Readings of energy counters that do not count")
          .tag("reason", reason.label())
          .register(registry);
    }
    label = energy.label();
  }

  private void component(
      String name,
      EnergyLedger<RequestAccount> ledger,
      ToDoubleFunction<Totals> value,
      String source,
      String quality) {
    joules("llm.process.energy", ledger, value)
        .description(
            "Energy of this process: its share of what the host draws when idle, and of the rest")
        .tag("component", name)
        .tag("source", source)
        .tag("quality", quality)
        .register(registry);
  }

  private void bound(
      String name, EnergyLedger<RequestAccount> ledger, ToDoubleFunction<Totals> value) {
    joules("llm.process.energy.estimate.bound", ledger, value)
        .description(
            "Energy of this process, by the lower and by the higher watts it may have drawn")
        .tag("bound", name)
        .register(registry);
  }

  private static FunctionCounter.Builder<EnergyLedger<RequestAccount>> joules(
      String name, EnergyLedger<RequestAccount> ledger, ToDoubleFunction<Totals> value) {
    return FunctionCounter.builder(
            name,
            ledger,
            asked -> {
              asked.refresh();
              return value.applyAsDouble(asked.totals());
            })
        .baseUnit("joules");
  }

  /** Prometheus's own: Micrometer's summaries put all that is below 1 into the bucket of 1. */
  private static Histogram histogram() {
    return Histogram.build(
            "llm_request_energy_joules", "Energy attributed to a request, its prompt included")
        .labelNames("model", "endpoint", "source", "quality")
        .buckets(JOULES)
        .create();
  }

  /** As Micrometer's histograms are. */
  private static Collector withoutCreationTimes(Histogram histogram) {
    return new Collector() {
      @Override
      public List<MetricFamilySamples> collect() {
        return histogram.collect().stream()
            .map(
                family ->
                    new MetricFamilySamples(
                        family.name,
                        family.unit,
                        family.type,
                        family.help,
                        family.samples.stream()
                            .filter(sample -> !sample.name.endsWith("_created"))
                            .toList()))
            .toList();
      }
    };
  }

  /** Forgets the requests of a model that was unloaded. */
  void remove(String model) {
    EnergyLabel counted = label;
    if (counted != null) {
      for (Endpoint endpoint : Endpoint.values()) {
        requests.remove(model, endpoint.label(), counted.source(), counted.quality());
      }
    }
  }

  @Override
  public void requestEnded(RequestReport report) {
    EnergyLabel counted = label;
    RequestAccount account = report.notes().account();
    String model = labels.of(report.notes().model());
    if (counted == null || account == null || account.computeNanos() == 0) {
      return; // nothing of it was run
    }
    double joules = account.joules();
    if (!Double.isNaN(joules)) {
      requests
          .labels(model, report.endpoint().label(), counted.source(), counted.quality())
          .observe(joules);
    }
  }
}
