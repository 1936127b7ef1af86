package dev.tritium.server;

import dev.tritium.api.openai.Grammars;
import dev.tritium.api.openai.ServedModel;
import dev.tritium.engine.Sampling;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.scheduler.Scheduler;
import dev.tritium.scheduler.SchedulerLimits;
import dev.tritium.server.HostedModel.Running;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Models;
import dev.tritium.tokenizer.Tokenizer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import jakarta.enterprise.inject.Vetoed;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What a server is made of, in the states that a test wants: no HTTP, nothing is loaded. */
final class FakeServer implements AutoCloseable {
  final TritiumConfig config;
  final Engine engine;
  final ModelRegistry models;
  final ModelServer server;
  private final Tokenizer tokenizer = Tokenizer.open(Models.BUNDLED);

  /** An engine that is as it is told. */
  @Vetoed // no bean
  static final class Engine extends SharedEngine {
    boolean alive = true;
    Duration stalledFor = Duration.ZERO;

    Engine(TritiumConfig config, EngineMetrics metrics, EnergyMetrics energyMetrics) {
      super(config, metrics, energyMetrics);
    }

    @Override
    boolean isAlive() {
      return alive;
    }

    @Override
    Duration stalledFor() {
      return stalledFor;
    }
  }

  @SuppressWarnings("deprecation") // Quarkus has no other registry yet
  FakeServer(Map<String, String> properties) {
    config = TritiumConfigTest.config(properties);
    ModelLabels labels = new ModelLabels();
    EngineMetrics metrics = new EngineMetrics(new SimpleMeterRegistry(), Exemplars.none(), labels);
    EnergyMetrics energyMetrics =
        new EnergyMetrics(
            new SimpleMeterRegistry(),
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT),
            labels);
    engine = new Engine(config, metrics, energyMetrics);
    models = new ModelRegistry(engine, config);
    ModelLoader loader = new ModelLoader(config, models, engine, metrics, energyMetrics);
    server = new ModelServer(config, models, loader, engine);
  }

  /** A model of the settings that is loading. */
  HostedModel model(String name) {
    return models.add(ModelReference.parse(name + "=models/" + name), true);
  }

  /** One that answers: up to {@code maxWaiting} requests, as nobody runs them. */
  HostedModel ready(String name, int maxWaiting) {
    HostedModel model = model(name);
    model.ready(running(name, maxWaiting));
    return model;
  }

  private Running running(String name, int maxWaiting) {
    FakeModel fake = FakeModel.random();
    SchedulerLimits limits = SchedulerLimits.defaults();
    Scheduler scheduler =
        new Scheduler(
            fake,
            tokenizer,
            new ScalarRowKernels(),
            new SchedulerLimits(
                1,
                maxWaiting,
                limits.maxWaitingTokens(),
                limits.maxWait(),
                limits.requestTimeout(),
                limits.stateBytes(),
                limits.stepRows(),
                limits.stepTime(),
                0,
                limits.cacheChunk()),
            report -> {});
    ServedModel served =
        new ServedModel(
            name,
            FakeModel.VOCABULARY,
            Set.of(),
            tokenizer,
            new Grammars(tokenizer, FakeModel.VOCABULARY, Set.of()),
            null,
            scheduler,
            100,
            10,
            Sampling.plain(0),
            null);
    LoadedModel loaded = new LoadedModel(fake, tokenizer, Optional.empty(), Sampling.plain(0));
    return new Running(served, loaded, "scalar");
  }

  /** Puts a request into a model's queue. */
  void fill(HostedModel model) {
    java.util.Objects.requireNonNull(model.scheduler())
        .submit(
            List.of(
                new dev.tritium.engine.SequenceRequest(
                    new int[2],
                    0,
                    Sampling.greedy(),
                    new dev.tritium.engine.StopRules(1, 0, List.of(), Set.of()),
                    dev.tritium.engine.Logprobs.NONE)));
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
