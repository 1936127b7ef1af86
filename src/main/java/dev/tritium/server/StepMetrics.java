package dev.tritium.server;

import dev.tritium.engine.EngineListener;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.StepReport;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Counts and times what the engine's steps do for one model. It allocates nothing. */
final class StepMetrics implements EngineListener {
  private final Exemplars exemplars;
  private final Counter promptTokens;
  private final Counter generatedTokens;
  private final Counter cacheQueries;
  private final Counter cacheHits;
  private final Counter abandonedRows;
  private final DistributionSummary batchSize;
  private final Timer queue;
  private final Timer prefill;
  private final Timer firstToken;
  private final Timer interToken;

  StepMetrics(MeterRegistry registry, String model, Exemplars exemplars) {
    this.exemplars = exemplars;
    promptTokens =
        counter(
            registry, "llm.prompt.tokens", "Prompt tokens that were run; not cached ones", model);
    generatedTokens = counter(registry, "llm.generated.tokens", "Tokens that were drawn", model);
    cacheQueries =
        counter(
            registry,
            "llm.prefix.cache.queries",
            "Prompt tokens looked for in the prefix cache",
            model);
    cacheHits =
        counter(
            registry, "llm.prefix.cache.hits", "Prompt tokens that the prefix cache had", model);
    abandonedRows =
        counter(registry, "llm.abandoned.rows", "Rows run for clients that left meanwhile", model);
    batchSize =
        DistributionSummary.builder("llm.batch.size")
            .description("Sequences of a step")
            .serviceLevelObjectives(1, 2, 4, 8, 16, 32, 64, 128)
            .tag("model", model)
            .register(registry);
    queue = Latency.QUEUE.timer(registry, model);
    prefill = Latency.PREFILL.timer(registry, model);
    firstToken = Latency.FIRST_TOKEN.timer(registry, model);
    interToken = Latency.INTER_TOKEN.timer(registry, model);
  }

  private static Counter counter(
      MeterRegistry registry, String name, String description, String model) {
    return Counter.builder(name).description(description).tag("model", model).register(registry);
  }

  @Override
  public void stepEnded(StepReport report) {
    int prompt = 0;
    int generated = 0;
    for (int g = 0; g < report.groups(); g++) {
      prompt += report.prefillRows(g);
      generated += report.drawn(g);
      if (report.gapNanos(g) > 0) {
        exemplars.of(report.account(g));
        interToken.record(report.gapNanos(g), TimeUnit.NANOSECONDS);
      }
    }
    recordRequests(report);
    exemplars.of(null);
    promptTokens.increment(prompt);
    generatedTokens.increment(generated);
    if (report.groups() > 0) { // the step did not fail
      batchSize.record(report.groups());
    }
    cacheQueries.increment(report.begunPromptTokens());
    cacheHits.increment(report.begunCachedTokens());
    abandonedRows.increment(report.abandonedRows());
  }

  /** Those that have begun to run, and those that have their first token. */
  private void recordRequests(StepReport report) {
    List<RequestAccount> begun = report.begun();
    for (int i = 0; i < begun.size(); i++) {
      exemplars.of(begun.get(i));
      queue.record(begun.get(i).queueNanos(), TimeUnit.NANOSECONDS);
    }
    List<RequestAccount> answering = report.answering();
    for (int i = 0; i < answering.size(); i++) {
      RequestAccount account = answering.get(i);
      long nanos = account.firstTokenNanos();
      exemplars.of(account);
      firstToken.record(nanos, TimeUnit.NANOSECONDS);
      prefill.record(nanos - account.queueNanos(), TimeUnit.NANOSECONDS);
    }
  }
}
