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

  /** A request would be taken: the model is loaded, its engine works, the server goes on. */
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
      return HealthCheckResponse.named("takes requests")
          .status(server.isLoaded() && server.isEngineAlive() && !drain.isDraining())
          .build();
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
