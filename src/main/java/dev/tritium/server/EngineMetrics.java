package dev.tritium.server;

import dev.tritium.api.openai.ModelStatus;
import dev.tritium.api.openai.ServedModel;
import dev.tritium.kernel.TernaryKernels;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.ModelDescription;
import dev.tritium.scheduler.Scheduler;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/** Tells Micrometer what the engine is and does, for each model. */
@Singleton
public class EngineMetrics {
  private final MeterRegistry registry;
  private final Exemplars exemplars;
  private final ModelLabels labels;

  EngineMetrics(MeterRegistry registry, Exemplars exemplars, ModelLabels labels) {
    this.registry = registry;
    this.exemplars = exemplars;
    this.labels = labels;
  }

  /** What all models compute with. */
  void describe(TernaryKernels kernels) {
    Gauge.builder("llm.kernel.info", () -> 1)
        .description("The ternary kernel; width in bits, 0 without vectors")
        .tag("impl", kernels.name())
        .tag("width", String.valueOf(kernels.vectorBits()))
        .register(registry);
  }

  /** Begins to tell how it stands with a model. */
  void watch(HostedModel model) {
    for (ModelStatus status : ModelStatus.values()) {
      Gauge.builder("llm.model.status", model, asked -> asked.is(status) ? 1 : 0)
          .description("1 for the status that the model has, 0 for the others")
          .tag("model", model.id())
          .tag("status", status.label())
          .register(registry);
    }
    Gauge.builder("llm.model.load.ratio", model, HostedModel::progress)
        .description("How much of the loading is done")
        .tag("model", model.id())
        .register(registry);
  }

  /** Begins to count the steps of a model's scheduler. */
  StepMetrics steps(String model) {
    return new StepMetrics(registry, model, exemplars);
  }

  /** Begins to count for a model whose warm-up is over. */
  void serve(ServedModel served, LoadedModel loaded) {
    describe(served, loaded.model());
    watch(served.id(), served.scheduler());
    labels.begin(served.id());
    RequestMetrics.begin(registry, served.id());
  }

  /** Forgets a model: all that has its label goes. */
  void remove(String model) {
    labels.end(model);
    for (Meter meter : registry.getMeters()) {
      if (model.equals(meter.getId().getTag("model"))) {
        registry.remove(meter);
      }
    }
  }

  /** What does not change. */
  private void describe(ServedModel served, LanguageModel model) {
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
}
