package dev.tritium.server;

import java.time.Duration;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;
import org.jspecify.annotations.Nullable;

/** What {@code /q/health} asks. A check that is down has the reason in its data. */
final class HealthChecks {
  private static final String ENGINE_DIED = "the engine's thread has ended";

  private HealthChecks() {}

  /** Up unless there is a reason why not. */
  private static HealthCheckResponse response(String name, @Nullable String reason) {
    HealthCheckResponseBuilder response = HealthCheckResponse.named(name);
    return reason == null
        ? response.up().build()
        : response.down().withData("reason", reason).build();
  }

  /** Loading is over; the engine goes on warming up while it is idle. */
  @Startup
  static final class ModelsLoaded implements HealthCheck {
    private final ModelRegistry models;

    ModelsLoaded(ModelRegistry models) {
      this.models = models;
    }

    @Override
    public HealthCheckResponse call() {
      return response("models loaded", models.startObstacle());
    }
  }

  /**
   * A request would be taken: the models are loaded, their engine works, the server goes on, and
   * the queues have room.
   */
  @Readiness
  static final class TakesRequests implements HealthCheck {
    private final ModelRegistry models;
    private final SharedEngine engine;
    private final Drain drain;

    TakesRequests(ModelRegistry models, SharedEngine engine, Drain drain) {
      this.models = models;
      this.engine = engine;
      this.drain = drain;
    }

    @Override
    public HealthCheckResponse call() {
      return response("takes requests", obstacle());
    }

    private @Nullable String obstacle() {
      if (drain.isDraining()) {
        return "the server is shutting down";
      }
      return engine.isAlive() ? models.readyObstacle() : ENGINE_DIED;
    }
  }

  /** The engine's thread has not died, and finishes its steps while there is work. */
  @Liveness
  static final class EngineAlive implements HealthCheck {
    private final SharedEngine engine;
    private final Duration stallTimeout;

    EngineAlive(SharedEngine engine, TritiumConfig config) {
      this.engine = engine;
      this.stallTimeout = config.health().stallTimeout();
    }

    @Override
    public HealthCheckResponse call() {
      return response("engine alive", failure());
    }

    private @Nullable String failure() {
      if (!engine.isAlive()) {
        return ENGINE_DIED;
      }
      Duration stalled = engine.stalledFor();
      return stalled.compareTo(stallTimeout) <= 0
          ? null
          : "the engine has finished no step for %d s".formatted(stalled.toSeconds());
    }
  }
}
