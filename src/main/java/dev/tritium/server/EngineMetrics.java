package dev.tritium.server;

import dev.tritium.api.openai.ServedModel;
import dev.tritium.engine.EngineListener;
import dev.tritium.engine.StepReport;
import dev.tritium.kernel.TernaryKernels;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.ModelDescription;
import dev.tritium.scheduler.Scheduler;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** Tells Micrometer what the engine is and does, from when the model is served. */
@Singleton
public class EngineMetrics implements EngineListener {
  private final MeterRegistry registry;
  private final Exemplars exemplars;
  private volatile @Nullable StepMetrics steps;

  EngineMetrics(MeterRegistry registry, Exemplars exemplars) {
    this.registry = registry;
    this.exemplars = exemplars;
  }

  /** Begins to count for a model; its warm-up is over. */
  void serve(ServedModel served, LoadedModel loaded) {
    describe(served, loaded.model(), loaded.kernels().ternary());
    watch(served.id(), served.scheduler());
    RequestMetrics.begin(registry, served.id());
    steps = new StepMetrics(registry, served.id(), exemplars);
  }

  /** What does not change. */
  private void describe(ServedModel served, LanguageModel model, TernaryKernels kernels) {
    Gauge.builder("llm.kernel.info", () -> 1)
        .description("The ternary kernel; width in bits, 0 without vectors")
        .tag("impl", kernels.name())
        .tag("width", String.valueOf(kernels.vectorBits()))
        .register(registry);
    ModelDescription description = model.description();
    Gauge.builder("llm.model.info", () -> 1)
        .description("The model that is served")
        .tag("model", served.id())
        .tag("model_type", description.modelType())
        .tag("parameters", String.valueOf(description.parameters()))
        .tag("layers", String.valueOf(description.layers()))
        .tag("hidden_size", String.valueOf(description.hiddenSize()))
        .tag("vocabulary_size", String.valueOf(description.vocabularySize()))
        .tag("max_model_len", String.valueOf(served.maxModelTokens()))
        .register(registry);
    long weightBytes = model.weightBytes();
    Gauge.builder("llm.weights.bytes", () -> weightBytes)
        .description("Packed ternary matrices, which every step reads once")
        .tag("model", served.id())
        .register(registry);
  }

  /** What the scheduler knows. */
  private void watch(String model, Scheduler scheduler) {
    Tags tags = Tags.of("model", model);
    int places = scheduler.limits().maxRunning();
    gauge(
        "llm.requests.running",
        "Answers that have a place now",
        tags,
        scheduler,
        Scheduler::runningCount);
    gauge("llm.requests.waiting", "Prompts in the queue", tags, scheduler, Scheduler::waitingCount);
    gauge(
        "llm.requests.waiting.tokens",
        "Tokens of the prompts in the queue",
        tags,
        scheduler,
        Scheduler::waitingTokens);
    gauge(
        "llm.state.slots.used",
        "States of sequences that are reserved",
        tags,
        scheduler,
        Scheduler::runningCount);
    gauge(
        "llm.state.slots.capacity",
        "States of sequences that there can be",
        tags,
        scheduler,
        s -> places);
    gauge(
        "llm.prefix.cache.bytes",
        "Memory that the prefix cache holds",
        tags,
        scheduler,
        Scheduler::cacheBytes);
    TimeGauge.builder(
            "llm.expected.wait", scheduler, TimeUnit.NANOSECONDS, s -> s.estimatedWait().toNanos())
        .description("How long a request that came now would wait, by estimate")
        .tags(tags)
        .register(registry);
    FunctionCounter.builder("llm.prefix.cache.evictions", scheduler, Scheduler::cacheEvictions)
        .description("States that the prefix cache gave up for others")
        .tags(tags)
        .register(registry);
  }

  private void gauge(
      String name,
      String description,
      Tags tags,
      Scheduler scheduler,
      ToDoubleFunction<Scheduler> value) {
    Gauge.builder(name, scheduler, value).description(description).tags(tags).register(registry);
  }

  @Override
  public void stepEnded(StepReport report) {
    StepMetrics counted = steps;
    if (counted != null) {
      counted.stepEnded(report);
    }
  }
}
