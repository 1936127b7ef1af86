package dev.tritium.server;

import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/** What {@code /q/health} asks. */
final class HealthChecks {
  private HealthChecks() {}

  /** The model is loaded and warm; the engine goes on warming up while it is idle. */
  @Startup
  @Readiness
  static final class ModelLoaded implements HealthCheck {
    private final ModelServer server;

    ModelLoaded(ModelServer server) {
      this.server = server;
    }

    @Override
    public HealthCheckResponse call() {
      return HealthCheckResponse.named("model loaded").status(server.isLoaded()).build();
    }
  }

  /** The engine's thread has not died. */
  @Liveness
  static final class EngineAlive implements HealthCheck {
    private final ModelServer server;

    EngineAlive(ModelServer server) {
      this.server = server;
    }

    @Override
    public HealthCheckResponse call() {
      return HealthCheckResponse.named("engine alive").status(server.isEngineAlive()).build();
    }
  }
}
