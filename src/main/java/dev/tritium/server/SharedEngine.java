package dev.tritium.server;

import dev.tritium.api.openai.EnergyLabel;
import dev.tritium.engine.EngineListener;
import dev.tritium.kernel.Kernels;
import dev.tritium.scheduler.EngineThread;
import dev.tritium.scheduler.Scheduler;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What all models of the process share: the kernels and their one pool of threads, the thread that
 * calls them, and the account of energy.
 */
@ApplicationScoped
public class SharedEngine {
  private final TritiumConfig config;
  private final EngineMetrics metrics;
  private final EnergyMetrics energyMetrics;
  private @Nullable Kernels kernels; // guarded by this
  private volatile @Nullable EngineThread thread;
  private volatile @Nullable EnergyMetering energy;

  SharedEngine(TritiumConfig config, EngineMetrics metrics, EnergyMetrics energyMetrics) {
    this.config = config;
    this.metrics = metrics;
    this.energyMetrics = energyMetrics;
  }

  /**
   * Starts the thread, and to count energy.
   *
   * @throws IllegalArgumentException if the source of energy that is asked for cannot be read
   */
  void start() {
    Optional<EnergyMetering> started = EnergyMetering.start(config.energy());
    started.ifPresent(energyMetrics::serve);
    energy = started.orElse(null);
    thread = new EngineThread(Duration.ofMillis(config.warmup().millis()));
  }

  /**
   * The kernels; whoever asks first may wait until the best is found.
   *
   * @throws IllegalArgumentException if those that are asked for cannot run here
   */
  synchronized Kernels kernels() {
    if (kernels == null) {
      kernels = Kernels.create(config.kernel(), threads());
      metrics.describe(kernels.ternary());
    }
    return kernels;
  }

  /** Threads that compute. */
  int threads() {
    return config.threads().orElse(Runtime.getRuntime().availableProcessors());
  }

  /** Begins to run a model's requests; returns when it is warm. */
  void add(Scheduler scheduler) {
    EngineThread running = Objects.requireNonNull(thread, "not started");
    running.add(scheduler);
    running.awaitWarm(scheduler);
  }

  /** Ends what a model still has; no step uses it any more when this returns. */
  void remove(Scheduler scheduler) {
    Objects.requireNonNull(thread, "not started").remove(scheduler);
  }

  /** A listener to the steps of one scheduler, which first counts their energy. */
  EngineListener listener(EngineListener then) {
    EnergyMetering counted = energy;
    return counted == null ? then : new StepEnergy(counted.ledger()).andThen(then);
  }

  /** What the joules in {@code usage} rest on; null: there are to be none. */
  @Nullable EnergyLabel usageLabel() {
    EnergyMetering counted = energy;
    return counted == null || !config.usage().energy() ? null : counted.label();
  }

  /** Whether the thread can work: false once it has died. */
  boolean isAlive() {
    EngineThread started = thread;
    return started == null || started.isAlive();
  }

  /** For how long no step has ended although there was something to do. */
  Duration stalledFor() {
    EngineThread started = thread;
    return started == null ? Duration.ZERO : started.stalledFor();
  }

  /** Ends every request, the thread, and the account of energy. */
  void stop() {
    EnergyMetering counted = energy;
    if (counted != null) {
      counted.close();
    }
    EngineThread started = thread;
    if (started != null) {
      started.close();
    }
  }

  /** Ends the pool; no model may be in use any more. */
  synchronized void closeKernels() {
    if (kernels != null) {
      kernels.close();
    }
  }
}
