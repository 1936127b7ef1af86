package dev.tritium.server;

import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.StepReport;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs to record one decode step, in a registry like the server's. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class StepMetricsBenchmark {
  /** Sequences that each draw a token. */
  @Param({"1", "16", "64"})
  public int sequences;

  /** Whether the sequences' requests are traced, and buckets have exemplars. */
  @Param({"false", "true"})
  public boolean traced;

  private final StepReport report = new StepReport();
  private StepMetrics metrics =
      new StepMetrics(new CompositeMeterRegistry(), "none", Exemplars.none());

  @Setup
  @SuppressWarnings("deprecation") // it is the one that Quarkus has
  public void fill() {
    Exemplars exemplars = new Exemplars(!traced);
    CompositeMeterRegistry registry = new CompositeMeterRegistry();
    registry.add(
        new PrometheusMeterRegistry(
            PrometheusConfig.DEFAULT,
            exemplars.registry(),
            Clock.SYSTEM,
            exemplars.sampler().orElse(null)));
    metrics = new StepMetrics(registry, "m", exemplars);
    Tracer tracer = SdkTracerProvider.builder().build().get("m");
    for (int g = 0; g < sequences; g++) {
      RequestTrace trace =
          traced
              ? RequestTrace.begin(tracer, Context.root(), "POST", "/v1/completions", "127.0.0.1")
              : null;
      report.add(new RequestAccount(1, trace), 0, 1);
      report.setGap(g, 300_000 + 100_000L * g); // several buckets
    }
  }

  @Benchmark
  public void record() {
    metrics.stepEnded(report);
  }
}
