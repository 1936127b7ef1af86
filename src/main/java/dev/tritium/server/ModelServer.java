package dev.tritium.server;

import com.sun.management.OperatingSystemMXBean;
import dev.tritium.api.openai.ApiException;
import dev.tritium.api.openai.ErrorKind;
import dev.tritium.api.openai.Grammars;
import dev.tritium.api.openai.Models;
import dev.tritium.api.openai.ServedModel;
import dev.tritium.engine.EngineListener;
import dev.tritium.engine.Sampling;
import dev.tritium.kernel.Kernels;
import dev.tritium.scheduler.EngineThread;
import dev.tritium.scheduler.Scheduler;
import dev.tritium.scheduler.SchedulerLimits;
import dev.tritium.server.TritiumConfig.GenerationDefaults;
import dev.tritium.tokenizer.ChatTemplate;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Loads the model and warms it up behind the open port, and holds what runs it. */
@ApplicationScoped
public class ModelServer implements Models {
  private static final System.Logger LOG = System.getLogger(ModelServer.class.getName());

  private static final Duration LOADER_GRACE = Duration.ofSeconds(1);

  /** A model with what runs it. */
  private record Running(
      ServedModel served,
      LoadedModel loaded,
      EngineThread engine,
      Optional<EnergyMetering> energy) {}

  private final TritiumConfig config;
  private final EngineMetrics metrics;
  private final EnergyMetrics energyMetrics;
  private @Nullable Thread loader;
  private volatile @Nullable Running running;
  private volatile boolean ready;

  ModelServer(TritiumConfig config, EngineMetrics metrics, EnergyMetrics energyMetrics) {
    this.config = config;
    this.metrics = metrics;
    this.energyMetrics = energyMetrics;
  }

  void start(@Observes StartupEvent event) {
    loader = Thread.ofPlatform().daemon().name("tritium-loader").start(this::serveOrExit);
  }

  private void serveOrExit() {
    try {
      serve();
      if (config.exitWhenReady()) {
        Quarkus.asyncExit(0);
      }
    } catch (RuntimeException | Error e) {
      if (LoadedModel.isMendable(e)) {
        LOG.log(System.Logger.Level.ERROR, "cannot serve: {0}", e.getMessage());
      } else {
        LOG.log(System.Logger.Level.ERROR, "cannot serve", e);
      }
      Quarkus.asyncExit(1);
    }
  }

  private void serve() {
    long start = System.nanoTime();
    SettingsCheck.check(config);
    SchedulerLimits limits = limits(config);
    Duration warmUp = Duration.ofMillis(config.warmup().millis());
    Path folder = LoadedModel.find(config.model(), config.home());
    Optional<ChatTemplate> template = config.chatTemplate().map(file -> template(file, folder));
    int threads = config.threads().orElse(Runtime.getRuntime().availableProcessors());
    LoadedModel loaded = LoadedModel.load(folder, () -> Kernels.create(config.kernel(), threads));
    Optional<EnergyMetering> energy = EnergyMetering.start(config.energy());
    EngineListener listener = // energy first: accounts are complete for all others
        energy
            .<EngineListener>map(e -> new StepEnergy(e.ledger()).andThen(metrics))
            .orElse(metrics);
    Scheduler scheduler =
        new Scheduler(
            loaded.model(), loaded.tokenizer(), loaded.kernels().rows(), limits, listener);
    int maxTokens =
        Math.min(config.maxModelLen(), loaded.model().maxTokens().orElse(Integer.MAX_VALUE));
    ServedModel served =
        new ServedModel(
            config.modelId().orElse(loaded.name()),
            System.currentTimeMillis() / 1000,
            loaded.model().description().vocabularySize(),
            loaded.model().description().eosIds(),
            loaded.tokenizer(),
            new Grammars(
                loaded.tokenizer(),
                loaded.model().description().vocabularySize(),
                loaded.model().description().eosIds()),
            template.or(loaded::chatTemplate).orElse(null),
            scheduler,
            maxTokens,
            config.chatMaxTokens(),
            config.generationConfig() == GenerationDefaults.MODEL
                ? loaded.sampling()
                : Sampling.plain(0),
            energy.filter(e -> config.usage().energy()).map(EnergyMetering::label).orElse(null));
    long loadedAt = System.nanoTime();
    EngineThread engine = new EngineThread(List.of(scheduler), warmUp);
    running = new Running(served, loaded, engine, energy); // from now on a stop ends it
    engine.awaitWarm();
    metrics.serve(served, loaded);
    energy.ifPresent(energyMetrics::serve);
    LOG.log(
        System.Logger.Level.INFO,
        "serving {0} after {1} ms, {2} ms of them to warm up",
        served.id(),
        String.valueOf(millisSince(start)),
        String.valueOf(millisSince(loadedAt)));
    ready = true;
  }

  /** The scheduler's limits as they are configured. */
  static SchedulerLimits limits(TritiumConfig config) {
    return new SchedulerLimits(
        config.scheduler().maxRunning(),
        config.scheduler().maxWaiting(),
        config.scheduler().maxWaitingTokens(),
        config.scheduler().maxWait(),
        config.request().timeout(),
        SchedulerLimits.defaults().stateBytes(),
        config.scheduler().stepRows(),
        Duration.ofMillis(config.scheduler().stepMillis()),
        prefixCacheBytes(config.prefixCache().bytes(), memoryBytes()),
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

  void stop(@Observes ShutdownEvent event) throws InterruptedException {
    if (loader != null) {
      loader.join(LOADER_GRACE);
    }
    Running stopping = running;
    if (stopping != null) {
      stopping.energy.ifPresent(EnergyMetering::close);
      stopping.engine.close();
      stopping.loaded.close();
    }
  }

  @Override
  public ServedModel require(@Nullable String id) {
    Running current = running;
    if (current == null || !ready) {
      throw new ApiException(
          ErrorKind.MODEL_LOADING, null, "the model is still loading; try again shortly");
    }
    if (!current.engine.isAlive()) {
      throw new ApiException(
          ErrorKind.ENGINE_STOPPED, null, "the engine has failed; the server must be restarted");
    }
    if (id != null && !id.equals(current.served.id())) {
      String shown = id.length() <= 100 ? id : id.substring(0, 100) + "...";
      throw new ApiException(
          ErrorKind.MODEL_NOT_FOUND,
          "model",
          "the model '%s' is not served here; '%s' is".formatted(shown, current.served.id()));
    }
    return current.served;
  }

  @Override
  public List<ServedModel> all() {
    return List.of(require(null));
  }

  /** Takes no request from now on. */
  void drain() {
    Running current = running;
    if (current != null) {
      current.served.scheduler().drain();
    }
  }

  /** Ends every request that waits or runs. */
  void endAll(RuntimeException reason) {
    Running current = running;
    if (current != null) {
      current.served.scheduler().endAll(reason);
    }
  }

  /** Whether the model is loaded and warm. */
  boolean isLoaded() {
    return ready;
  }

  /** Whether the engine can work: false once its thread has died. */
  boolean isEngineAlive() {
    Running current = running;
    return current == null || current.engine.isAlive();
  }

  /** For how long the engine has finished no step although there was something to do. */
  Duration engineStalledFor() {
    Running current = running;
    return current == null ? Duration.ZERO : current.engine.stalledFor();
  }

  /** Why any request would be refused for a full queue now; null if it would not. */
  @Nullable String queueFullness() {
    Running current = running;
    return current == null ? null : current.served.scheduler().queueFullness();
  }
}
