package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.tritium.server.HostedModel.Running;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The probes in each state of a server. */
class HealthChecksTest {
  private static final String B_LOADS = "the model b is loading or warming up";
  private static final String B_FAILED = "the model b could not be loaded: no such folder";

  private FakeServer server = new FakeServer(Map.of());
  private Drain drain = drain();
  private HealthCheck startup = new HealthChecks.ModelsLoaded(server.models);
  private HealthCheck readiness =
      new HealthChecks.TakesRequests(server.models, server.engine, drain);
  private HealthCheck liveness = new HealthChecks.EngineAlive(server.engine, server.config);

  private Drain drain() {
    return new Drain(server.server, server.config);
  }

  /** From now on another server is asked. */
  private void readyWhen(String policy) {
    server.close();
    server = new FakeServer(Map.of("tritium.health.ready-when", policy));
    drain = drain();
    startup = new HealthChecks.ModelsLoaded(server.models);
    readiness = new HealthChecks.TakesRequests(server.models, server.engine, drain);
    liveness = new HealthChecks.EngineAlive(server.engine, server.config);
  }

  @AfterEach
  void close() {
    server.close();
  }

  private static void assertUp(HealthCheck... checks) {
    for (HealthCheck check : checks) {
      HealthCheckResponse response = check.call();
      assertEquals(
          HealthCheckResponse.Status.UP,
          response.getStatus(),
          () -> response.getName() + " " + response.getData());
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
    server.ready("a", 1);
    assertUp(startup, readiness, liveness);
  }

  @Test
  void whileItReadsItsSettingsItIsAliveButNotReady() {
    assertDown("the server is starting", startup, readiness);
    assertUp(liveness);
  }

  @Test
  void whileAModelLoadsItIsAliveButNotReady() {
    server.ready("a", 1);
    server.model("b");
    assertDown(B_LOADS, startup, readiness);
    assertUp(liveness);
  }

  @Test
  void aModelThatFailedEndsTheStartAndIsNotReady() {
    server.ready("a", 1);
    server.model("b").failed("no such folder");
    assertUp(startup, liveness);
    assertDown(B_FAILED, readiness);
  }

  @Test
  void oneModelIsEnoughIfItIsSoSet() {
    readyWhen("any");
    HostedModel b = server.model("b");
    assertDown(B_LOADS, startup, readiness);
    HostedModel a = server.ready("a", 1);
    assertUp(startup, readiness, liveness);
    b.failed("no such folder");
    assertUp(startup, readiness, liveness);
    server.fill(a);
    assertDown(B_FAILED, readiness);
    assertUp(startup, liveness);
  }

  @Test
  void aFullQueueOfAnyModelIsNotReadyUnlessOneIsEnough() {
    for (String policy : new String[] {"all", "any"}) {
      readyWhen(policy);
      HostedModel a = server.ready("a", 1);
      server.ready("b", 1);
      server.fill(a);
      if (policy.equals("any")) {
        assertUp(readiness);
      } else {
        assertDown("the queue is full: 1 prompts wait and at most 1 may", readiness);
      }
      assertUp(startup, liveness);
    }
  }

  @Test
  void aModelThatWasUnloadedOrThatAnAdminLoadsDoesNotMatter() {
    HostedModel a = server.ready("a", 1);
    HostedModel b = server.ready("b", 1);
    server.models.add(ModelReference.parse("c=c"), false);
    assertUp(startup, readiness, liveness);
    server.models.remove(b);
    assertUp(startup, readiness, liveness);
    Running running = Objects.requireNonNull(a.unloading());
    assertSame(running, a.running());
    assertDown("the model a is being unloaded", readiness);
    server.models.remove(a);
    assertDown("the model c is loading or warming up", readiness);
    assertUp(startup, liveness);
  }

  @Test
  void aServerWithoutModelsIsAliveAndNotReady() {
    server.models.remove(server.ready("a", 1));
    assertDown("no model is served", readiness);
    assertUp(startup, liveness);
  }

  @Test
  void aServerThatEndsIsNotReady() throws InterruptedException {
    server.ready("a", 1);
    drain.run(new ShutdownDelayInitiatedEvent());
    assertDown("the server is shutting down", readiness);
    assertUp(startup, liveness);
  }

  @Test
  void anEngineThatHasDiedIsNeitherReadyNorAlive() {
    server.ready("a", 1);
    server.engine.alive = false;
    assertDown("the engine's thread has ended", readiness, liveness);
    assertUp(startup);
  }

  @Test
  void aStepMayTakeAsLongAsTheSettingSays() {
    server.ready("a", 1);
    server.engine.stalledFor = Duration.ofSeconds(60);
    assertUp(startup, readiness, liveness);
    server.engine.stalledFor = Duration.ofSeconds(61);
    assertDown("the engine has finished no step for 61 s", liveness);
    TritiumConfig patient = TritiumConfigTest.config(Map.of("tritium.health.stall-timeout", "10m"));
    assertUp(new HealthChecks.EngineAlive(server.engine, patient));
  }
}
