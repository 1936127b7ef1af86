package dev.tritium.server;

import dev.tritium.engine.RequestAccount;
import io.prometheus.client.Collector;
import io.prometheus.client.Collector.MetricFamilySamples;
import io.prometheus.client.Collector.MetricFamilySamples.Sample;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.exemplars.DefaultExemplarSampler;
import io.prometheus.client.exemplars.ExemplarSampler;
import io.prometheus.client.exemplars.tracer.common.SpanContextSupplier;
import jakarta.annotation.Priority;
import jakarta.enterprise.inject.Alternative;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Collections;
import java.util.Enumeration;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;

/** Gives buckets of histograms the trace of a request that has a value in them. */
@Singleton
public class Exemplars {
  private final boolean on;
  private final ThreadLocal<@Nullable RequestTrace> recorded = new ThreadLocal<>();

  @Inject
  Exemplars(@ConfigProperty(name = Tracing.DISABLED) boolean notTraced) {
    this.on = !notTraced;
  }

  /** For a server that does not trace. */
  static Exemplars none() {
    return new Exemplars(true);
  }

  /** What this thread records from now on are values of this request; null: of none. */
  void of(@Nullable RequestAccount account) {
    if (on) {
      recorded.set(account == null ? null : RequestTrace.of(account.trace()));
    }
  }

  /**
   * In place of Quarkus's, which asks for the current span at each value, also where nothing is
   * traced.
   */
  @Produces
  @Alternative
  @Priority(1)
  Optional<ExemplarSampler> sampler() {
    return on ? Optional.of(new DefaultExemplarSampler(new Recorded())) : Optional.empty();
  }

  @Produces
  @Singleton
  CollectorRegistry registry() {
    return on ? new OfBuckets() : new CollectorRegistry(true);
  }

  /**
   * Leaves exemplars to buckets: Micrometer gives counts some too, and for these Prometheus before
   * 2.43 refuses the whole scrape.
   */
  private static final class OfBuckets extends CollectorRegistry {
    OfBuckets() {
      super(true); // as Quarkus's
    }

    @Override
    public Enumeration<MetricFamilySamples> metricFamilySamples() {
      return Collections.enumeration(
          Collections.list(super.metricFamilySamples()).stream().map(OfBuckets::filtered).toList());
    }

    private static MetricFamilySamples filtered(MetricFamilySamples family) {
      return family.type == Collector.Type.HISTOGRAM
          ? new MetricFamilySamples(
              family.name,
              family.unit,
              family.type,
              family.help,
              family.samples.stream().map(OfBuckets::filtered).toList())
          : family;
    }

    private static Sample filtered(Sample sample) {
      return sample.name.endsWith("_count")
          ? new Sample(sample.name, sample.labelNames, sample.labelValues, sample.value)
          : sample;
    }
  }

  /** The span of the request that this thread records values of. */
  private final class Recorded implements SpanContextSupplier {
    @Override
    public boolean isSampled() {
      RequestTrace trace = recorded.get();
      return trace != null && trace.isSampled();
    }

    @Override
    public @Nullable String getTraceId() {
      RequestTrace trace = recorded.get();
      return trace == null ? null : trace.traceId();
    }

    @Override
    public @Nullable String getSpanId() {
      RequestTrace trace = recorded.get();
      return trace == null ? null : trace.spanId();
    }
  }
}
