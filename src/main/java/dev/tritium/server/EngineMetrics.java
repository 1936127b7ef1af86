package dev.tritium.server;

import dev.tritium.engine.EngineListener;
import dev.tritium.engine.StepReport;
import dev.tritium.kernel.TernaryKernels;
import dev.tritium.scheduler.Scheduler;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/** Counts what the engine does, in Micrometer. */
@Singleton
public class EngineMetrics implements EngineListener {
  private final MeterRegistry registry;
  private volatile @Nullable Counter promptTokens;
  private volatile @Nullable Counter generatedTokens;

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
        .description("Sequences that run now")
        .tag("model", model)
        .register(registry);
    Gauge.builder("llm.requests.waiting", scheduler, Scheduler::waitingCount)
        .description("Sequences in the queue")
        .tag("model", model)
        .register(registry);
    promptTokens = counter("llm.prompt.tokens", "Prompt tokens that were run", model);
    generatedTokens = counter("llm.generated.tokens", "Tokens that were drawn", model);
  }

  private Counter counter(String name, String description, String model) {
    return Counter.builder(name).description(description).tag("model", model).register(registry);
  }

  @Override
  public void stepEnded(StepReport report) {
    Counter prompt = promptTokens;
    Counter generated = generatedTokens;
    if (prompt == null || generated == null) {
      return;
    }
    for (int g = 0; g < report.groups(); g++) {
      prompt.increment(report.prefillRows(g));
      generated.increment(report.drawn(g));
    }
  }
}
