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
  private static final String LOADING = "the model is loading or warming up";
  private static final String ENGINE_DIED = "the engine's thread has ended";

  private HealthChecks() {}

  /** Up unless there is a reason why not. */
  private static HealthCheckResponse response(String name, @Nullable String reason) {
    HealthCheckResponseBuilder response = HealthCheckResponse.named(name);
    return reason == null
        ? response.up().build()
        : response.down().withData("reason", reason).build();
  }

  /** The model is loaded and warm; the engine goes on warming up while it is idle. */
  @Startup
  static final class ModelLoaded implements HealthCheck {
    private final ModelServer server;

    ModelLoaded(ModelServer server) {
      this.server = server;
    }

    @Override
    public HealthCheckResponse call() {
      return response("model loaded", server.isLoaded() ? null : LOADING);
    }
  }

  /**
   * A request would be taken: the model is loaded, its engine works, the server goes on, and the
   * queue has room.
   */
  @Readiness
  static final class TakesRequests implements HealthCheck {
    private final ModelServer server;
    private final Drain drain;

    TakesRequests(ModelServer server, Drain drain) {
      this.server = server;
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
      if (!server.isEngineAlive()) {
        return ENGINE_DIED;
      }
      return server.isLoaded() ? server.queueFullness() : LOADING;
    }
  }

  /** The engine's thread has not died, and finishes its steps while there is work. */
  @Liveness
  static final class EngineAlive implements HealthCheck {
    private final ModelServer server;
    private final Duration stallTimeout;

    EngineAlive(ModelServer server, TritiumConfig config) {
      this.server = server;
      this.stallTimeout = config.health().stallTimeout();
    }

    @Override
    public HealthCheckResponse call() {
      return response("engine alive", failure());
    }

    private @Nullable String failure() {
      if (!server.isEngineAlive()) {
        return ENGINE_DIED;
      }
      Duration stalled = server.engineStalledFor();
      return stalled.compareTo(stallTimeout) <= 0
          ? null
          : "the engine has finished no step for %d s".formatted(stalled.toSeconds());
    }
  }
}
