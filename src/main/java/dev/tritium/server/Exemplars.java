package dev.tritium.server;

import dev.tritium.engine.RequestAccount;
import io.prometheus.client.exemplars.DefaultExemplarSampler;
import io.prometheus.client.exemplars.Exemplar;
import io.prometheus.client.exemplars.ExemplarSampler;
import io.prometheus.client.exemplars.tracer.common.SpanContextSupplier;
import jakarta.annotation.Priority;
import jakarta.enterprise.inject.Alternative;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
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
    return on ? Optional.of(new Buckets()) : Optional.empty();
  }

  /** Chooses exemplars of buckets, and none of counts: Prometheus refuses scrapes with those. */
  private final class Buckets implements ExemplarSampler {
    private final ExemplarSampler sampler = new DefaultExemplarSampler(new Recorded());

    @Override
    public @Nullable Exemplar sample(
        double value, double bucketFrom, double bucketTo, @Nullable Exemplar previous) {
      return sampler.sample(value, bucketFrom, bucketTo, previous);
    }

    @Override
    public @Nullable Exemplar sample(double increment, @Nullable Exemplar previous) {
      return null;
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
