package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import jakarta.enterprise.inject.Vetoed;
import java.time.Duration;
import java.util.Map;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The probes in each state of a server. */
class HealthChecksTest {
  private static final TritiumConfig CONFIG = TritiumConfigTest.config(Map.of());

  private final State server = new State();
  private final Drain drain = new Drain(server, CONFIG);
  private final HealthCheck startup = new HealthChecks.ModelLoaded(server);
  private final HealthCheck readiness = new HealthChecks.TakesRequests(server, drain);
  private final HealthCheck liveness = new HealthChecks.EngineAlive(server, CONFIG);

  /** A server that is as it is told. */
  @Vetoed // no bean
  private static final class State extends ModelServer {
    boolean loaded = true;
    boolean engineAlive = true;
    Duration stalledFor = Duration.ZERO;
    @Nullable String fullness;

    @SuppressWarnings("deprecation") // Quarkus has no other registry yet
    State() {
      super(
          CONFIG,
          new EngineMetrics(new SimpleMeterRegistry(), Exemplars.none()),
          new EnergyMetrics(
              new SimpleMeterRegistry(), new PrometheusMeterRegistry(PrometheusConfig.DEFAULT)));
    }

    @Override
    boolean isLoaded() {
      return loaded;
    }

    @Override
    boolean isEngineAlive() {
      return engineAlive;
    }

    @Override
    Duration engineStalledFor() {
      return stalledFor;
    }

    @Override
    @Nullable String queueFullness() {
      return fullness;
    }
  }

  private static void assertUp(HealthCheck... checks) {
    for (HealthCheck check : checks) {
      HealthCheckResponse response = check.call();
      assertEquals(HealthCheckResponse.Status.UP, response.getStatus(), response.getName());
      assertEquals(true, response.getData().isEmpty(), response.getName());
    }
  }

  private static void assertDown(String reason, HealthCheck... checks) {
    for (HealthCheck check : checks) {
      HealthCheckResponse response = check.call();
      assertEquals(HealthCheckResponse.Status.DOWN, response.getStatus(), response.getName());
      assertEquals(Map.of("reason", reason), response.getData().orElseThrow());
    }
  }

  @Test
  void allAreUpWhileItServes() {
    assertUp(startup, readiness, liveness);
  }

  @Test
  void whileTheModelLoadsItIsAliveButNotReady() {
    server.loaded = false;
    assertDown("the model is loading or warming up", startup, readiness);
    assertUp(liveness);
  }

  @Test
  void aFullQueueIsNotReady() {
    server.fullness = "the queue is full: 256 prompts wait and at most 256 may";
    assertDown(server.fullness, readiness);
    assertUp(startup, liveness);
  }

  @Test
  void aServerThatEndsIsNotReady() throws InterruptedException {
    drain.run(new ShutdownDelayInitiatedEvent());
    assertDown("the server is shutting down", readiness);
    assertUp(startup, liveness);
  }

  @Test
  void anEngineThatHasDiedIsNeitherReadyNorAlive() {
    server.engineAlive = false;
    assertDown("the engine's thread has ended", readiness, liveness);
    assertUp(startup);
  }

  @Test
  void aStepMayTakeAsLongAsTheSettingSays() {
    server.stalledFor = Duration.ofSeconds(60);
    assertUp(startup, readiness, liveness);
    server.stalledFor = Duration.ofSeconds(61);
    assertDown("the engine has finished no step for 61 s", liveness);
    TritiumConfig patient = TritiumConfigTest.config(Map.of("tritium.health.stall-timeout", "10m"));
    assertUp(new HealthChecks.EngineAlive(server, patient));
  }
}
