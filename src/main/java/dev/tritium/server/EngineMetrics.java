package dev.tritium.server;

import dev.tritium.engine.EngineListener;
import dev.tritium.engine.StepReport;
import dev.tritium.kernel.TernaryKernels;
import dev.tritium.scheduler.Scheduler;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Counts what the engine does, in Micrometer. */
@Singleton
public class EngineMetrics implements EngineListener {
  private final MeterRegistry registry;
  private volatile @Nullable Counters counters;

  /** What steps add to. */
  private record Counters(
      Counter promptTokens,
      Counter generatedTokens,
      Counter cacheQueries,
      Counter cacheHits,
      Counter abandonedRows) {}

  EngineMetrics(MeterRegistry registry) {
    this.registry = registry;
  }

  /** Begins to count for a model, and says which kernel multiplies its weights. */
  void serve(String model, Scheduler scheduler, TernaryKernels kernels) {
    Gauge.builder("llm.kernel.info", () -> 1)
        .description("The ternary kernel; width in bits, 0 without vectors")
        .tag("impl", kernels.name())
        .tag("width", String.valueOf(kernels.vectorBits()))
        .register(registry);
    Gauge.builder("llm.requests.running", scheduler, Scheduler::runningCount)
        .description("Answers that have a place now")
        .tag("model", model)
        .register(registry);
    Gauge.builder("llm.requests.waiting", scheduler, Scheduler::waitingCount)
        .description("Prompts in the queue")
        .tag("model", model)
        .register(registry);
    Gauge.builder("llm.state.slots.used", scheduler, Scheduler::runningCount)
        .description("States of sequences that are reserved")
        .tag("model", model)
        .register(registry);
    Gauge.builder("llm.state.slots.capacity", () -> scheduler.limits().maxRunning())
        .description("States of sequences that there can be")
        .tag("model", model)
        .register(registry);
    Gauge.builder("llm.requests.waiting.tokens", scheduler, Scheduler::waitingTokens)
        .description("Tokens of the prompts in the queue")
        .tag("model", model)
        .register(registry);
    TimeGauge.builder(
            "llm.expected.wait", scheduler, TimeUnit.NANOSECONDS, s -> s.estimatedWait().toNanos())
        .description("How long a request that came now would wait, by estimate")
        .tag("model", model)
        .register(registry);
    FunctionCounter.builder("llm.prefix.cache.evictions", scheduler, Scheduler::cacheEvictions)
        .description("States that the prefix cache gave up for others")
        .tag("model", model)
        .register(registry);
    Gauge.builder("llm.prefix.cache.bytes", scheduler, Scheduler::cacheBytes)
        .description("Memory that the prefix cache holds")
        .baseUnit("bytes")
        .tag("model", model)
        .register(registry);
    counters =
        new Counters(
            counter(
                "llm.prompt.tokens", "Prompt tokens that were run; cached ones were not", model),
            counter("llm.generated.tokens", "Tokens that were drawn", model),
            counter(
                "llm.prefix.cache.queries", "Prompt tokens looked for in the prefix cache", model),
            counter("llm.prefix.cache.hits", "Prompt tokens that the prefix cache had", model),
            counter("llm.abandoned.rows", "Rows run for clients that left meanwhile", model));
  }

  private Counter counter(String name, String description, String model) {
    return Counter.builder(name).description(description).tag("model", model).register(registry);
  }

  @Override
  public void stepEnded(StepReport report) {
    Counters count = counters;
    if (count == null) {
      return;
    }
    for (int g = 0; g < report.groups(); g++) {
      count.promptTokens.increment(report.prefillRows(g));
      count.generatedTokens.increment(report.drawn(g));
    }
    count.cacheQueries.increment(report.begunPromptTokens());
    count.cacheHits.increment(report.begunCachedTokens());
    count.abandonedRows.increment(report.abandonedRows());
  }
}
