package dev.tritium.server;

import com.sun.management.OperatingSystemMXBean;
import dev.tritium.api.openai.ApiException;
import dev.tritium.api.openai.Grammars;
import dev.tritium.api.openai.ServedModel;
import dev.tritium.engine.Sampling;
import dev.tritium.kernel.LowPriority;
import dev.tritium.kernel.Workers;
import dev.tritium.model.ModelDescription;
import dev.tritium.scheduler.Scheduler;
import dev.tritium.scheduler.SchedulerLimits;
import dev.tritium.server.HostedModel.Running;
import dev.tritium.server.TritiumConfig.GenerationDefaults;
import dev.tritium.tokenizer.ChatTemplate;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Brings models into memory and out of it. Once one is served, the others are loaded on threads of
 * low priority, one processor fewer than there are; the engine's pool belongs to its own thread.
 */
@ApplicationScoped
public class ModelLoader {
  private static final System.Logger LOG = System.getLogger(ModelLoader.class.getName());

  private static final long LOOK_MILLIS = 20; // whether a model's last request has ended

  private final TritiumConfig config;
  private final ModelRegistry registry;
  private final SharedEngine engine;
  private final EngineMetrics metrics;
  private final EnergyMetrics energyMetrics;
  private volatile int shares = 1; // of the memory that the settings give to all models
  private volatile boolean serves;
  private volatile boolean closed;

  ModelLoader(
      TritiumConfig config,
      ModelRegistry registry,
      SharedEngine engine,
      EngineMetrics metrics,
      EnergyMetrics energyMetrics) {
    this.config = config;
    this.registry = registry;
    this.engine = engine;
    this.metrics = metrics;
    this.energyMetrics = energyMetrics;
  }

  /** Divides the memory for states and prefixes among so many models. */
  void share(int models) {
    shares = models;
  }

  /**
   * Adds a model that is to be loaded.
   *
   * @throws ApiException as {@link ModelRegistry#add}
   */
  HostedModel add(ModelReference reference, boolean ofStart) {
    HostedModel added = registry.add(reference, ofStart);
    metrics.remove(added.id()); // of one that has failed
    metrics.watch(added);
    return added;
  }

  /**
   * Loads a model and warms it up, on this thread and helpers. Its status says what came of it; a
   * failure is in the log too.
   */
  void load(HostedModel model) {
    if (closed) {
      return;
    }
    long start = System.nanoTime();
    try {
      Running running = read(model);
      long readAt = System.nanoTime();
      begin(model, running);
      LOG.log(
          Level.INFO,
          "serving {0} after {1} ms, {2} ms of them to warm up",
          model.id(),
          String.valueOf(millisSince(start)),
          String.valueOf(millisSince(readAt)));
    } catch (RuntimeException | Error e) {
      metrics.remove(model.id());
      metrics.watch(model);
      if (LoadedModel.isMendable(e)) {
        model.failed(String.valueOf(e.getMessage()));
        LOG.log(Level.ERROR, "cannot serve {0}: {1}", model.id(), e.getMessage());
      } else {
        model.failed("an unexpected error, which is in the server's log");
        LOG.log(Level.ERROR, "cannot serve " + model.id(), e);
      }
    }
    if (closed) { // while it was being loaded
      free(model);
    }
  }

  private Running read(HostedModel model) {
    PullLog pulling = new PullLog(model::loaded);
    Path folder =
        LoadedModel.find(model.model(), config.home(), id -> LoadedModel.pull(id, pulling));
    try (Workers workers = workers()) {
      Optional<ChatTemplate> template = config.chatTemplate().map(file -> template(file, folder));
      LoadedModel loaded = LoadedModel.load(folder, engine::kernels, workers, model::loaded);
      try {
        return new Running(
            served(model.id(), loaded, template), loaded, engine.kernels().ternary().name());
      } catch (RuntimeException | Error e) {
        loaded.close();
        throw e;
      }
    }
  }

  private Workers workers() {
    if (!serves) {
      return new Workers(engine.threads());
    }
    LowPriority.enter();
    int others = Runtime.getRuntime().availableProcessors() - 1;
    return Workers.ofLowPriority(Math.max(1, Math.min(engine.threads(), others)));
  }

  private void begin(HostedModel model, Running running) {
    try {
      engine.add(running.served().scheduler());
      metrics.serve(running.served(), running.loaded());
      model.ready(running);
      serves = true;
    } catch (RuntimeException | Error e) {
      engine.remove(running.served().scheduler());
      running.loaded().close();
      throw e;
    }
  }

  private ServedModel served(String id, LoadedModel loaded, Optional<ChatTemplate> template) {
    ModelDescription description = loaded.model().description();
    Scheduler scheduler =
        new Scheduler(
            loaded.model(),
            loaded.tokenizer(),
            engine.kernels().rows(),
            limits(config, shares),
            engine.listener(metrics.steps(id)));
    scheduler.wakeReadersBy(engine.kernels().workers()::runAside);
    return new ServedModel(
        id,
        description.vocabularySize(),
        description.eosIds(),
        loaded.tokenizer(),
        new Grammars(loaded.tokenizer(), description.vocabularySize(), description.eosIds()),
        template.or(loaded::chatTemplate).orElse(null),
        scheduler,
        Math.min(config.maxModelLen(), loaded.model().maxTokens().orElse(Integer.MAX_VALUE)),
        config.chatMaxTokens(),
        config.generationConfig() == GenerationDefaults.MODEL
            ? loaded.sampling()
            : Sampling.plain(0),
        engine.usageLabel());
  }

  /** The limits of one of so many schedulers, as they are configured. */
  static SchedulerLimits limits(TritiumConfig config, int shares) {
    return new SchedulerLimits(
        config.scheduler().maxRunning(),
        config.scheduler().maxWaiting(),
        config.scheduler().maxWaitingTokens(),
        config.scheduler().maxWait(),
        config.request().timeout(),
        SchedulerLimits.defaults().stateBytes() / shares,
        config.scheduler().stepRows(),
        Duration.ofMillis(config.scheduler().stepMillis()),
        prefixCacheBytes(config.prefixCache().bytes(), memoryBytes()) / shares,
        config.prefixCache().chunk());
  }

  /** As it is set, else a share of the memory: a small container needs the rest. */
  static long prefixCacheBytes(OptionalLong set, long memoryBytes) {
    return set.orElse(Math.min(SchedulerLimits.defaults().cacheBytes(), memoryBytes / 8));
  }

  /** The machine's memory, or the container's limit. */
  private static long memoryBytes() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getTotalMemorySize();
  }

  private static long millisSince(long nanoTime) {
    return (System.nanoTime() - nanoTime) / 1_000_000;
  }

  private static ChatTemplate template(String file, Path folder) {
    try {
      return ChatTemplate.parse(
          Files.readString(Path.of(file)), ChatTemplate.specialTokens(folder));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "tritium.chat-template: %s cannot be read".formatted(file), e);
    }
  }

  /** Gives a model no more requests, and frees it when those that it has are done. */
  void unload(HostedModel model, Running running) {
    Scheduler scheduler = running.served().scheduler();
    scheduler.drain("the model %s is being unloaded".formatted(model.id()));
    LOG.log(Level.INFO, "unloading {0}", model.id());
    Thread.ofPlatform()
        .daemon()
        .name("tritium-unloader")
        .start(
            () -> {
              awaitIdle(scheduler);
              free(model);
              LOG.log(Level.INFO, "unloaded {0}", model.id());
            });
  }

  private void awaitIdle(Scheduler scheduler) {
    try {
      while (!scheduler.isIdle() && !closed) {
        Thread.sleep(LOOK_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Forgets a model and gives back what it holds: requests, meters, memory, files. */
  synchronized void free(HostedModel model) {
    if (!registry.hosted().contains(model)) {
      return;
    }
    Running running = model.running();
    if (running != null) {
      engine.remove(running.served().scheduler());
      running.loaded().close();
    }
    metrics.remove(model.id());
    energyMetrics.remove(model.id());
    registry.remove(model); // last: then the name may be used again
  }

  /** Loads nothing more; what is just being loaded is freed when that is over. */
  void close() {
    closed = true;
  }

  /** Frees all models there are. */
  void freeAll() {
    registry.hosted().forEach(this::free);
  }
}
