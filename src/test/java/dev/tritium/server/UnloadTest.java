package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tritium.api.openai.ApiException;
import dev.tritium.api.openai.ErrorBody;
import dev.tritium.api.openai.ErrorKind;
import dev.tritium.api.openai.ModelStatus;
import dev.tritium.api.openai.ServedModel;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.scheduler.DrainingException;
import dev.tritium.scheduler.Generation;
import dev.tritium.testing.Api;
import dev.tritium.testing.Golden;
import dev.tritium.testing.Models;
import dev.tritium.tokenizer.TokenizerClosedException;
import io.micrometer.core.instrument.Meter;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Models that come and go in a server, without HTTP. */
@Timeout(300)
@SuppressWarnings("deprecation") // the registry is the one that Quarkus has
class UnloadTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String ODD = Golden.checkpoint("hgrn-odd").toString();
  private static final String TINY = Golden.checkpoint("hgrn-tiny").toString();

  private final PrometheusMeterRegistry meters =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final TritiumConfig config =
      TritiumConfigTest.config(
          Map.of(
              "tritium.model",
              "first=" + TINY,
              "tritium.kernel",
              "scalar",
              "tritium.warmup.millis",
              "20"));
  private final ModelLabels labels = new ModelLabels();
  private final EngineMetrics metrics = new EngineMetrics(meters, Exemplars.none(), labels);
  private final EnergyMetrics energyMetrics = new EnergyMetrics(meters, meters, labels);
  private final SharedEngine engine = new SharedEngine(config, metrics, energyMetrics);
  private final ModelRegistry models = new ModelRegistry(engine, config);
  private final ModelLoader loader =
      new ModelLoader(config, models, engine, metrics, energyMetrics);
  private final ModelServer server = new ModelServer(config, models, loader, engine);

  private long mappedBefore; // by other tests

  @BeforeEach
  void start() {
    mappedBefore = mapped("hgrn");
    server.start(new StartupEvent());
    awaitReady("first");
  }

  @AfterEach
  void stop() throws InterruptedException {
    server.stop(new ShutdownEvent());
    assertEquals(List.of(), models.all());
    assertEquals(mappedBefore, mapped("hgrn"), "files that are still mapped");
  }

  private void awaitReady(String id) {
    Api.await(
        id + " is ready",
        PATIENCE,
        () -> models.hosted().stream().anyMatch(m -> m.id().equals(id) && m.is(ModelStatus.READY)));
  }

  private void awaitGone(String id) {
    Api.await(
        id + " is gone", PATIENCE, () -> models.all().stream().noneMatch(m -> m.id().equals(id)));
  }

  private static Generation generate(ServedModel model, int tokens) {
    StopRules stop = new StopRules(tokens, 0, List.of(), Set.of());
    return model
        .scheduler()
        .submit(
            List.of(
                new SequenceRequest(
                    new int[] {1, 2, 3}, 0, Sampling.plain(7), stop, Logprobs.NONE)));
  }

  private static List<Integer> read(Generation generation) {
    List<Integer> ids = new ArrayList<>();
    Api.await(
        "the answer is whole",
        PATIENCE,
        () -> {
          generation.poll().forEach(delta -> delta.tokens().forEach(t -> ids.add(t.id())));
          return generation.isDone();
        });
    generation.poll().forEach(delta -> delta.tokens().forEach(t -> ids.add(t.id())));
    return ids;
  }

  /** Mapped regions of files with that in their path; 0 where the system does not tell. */
  private static long mapped(String name) {
    try {
      Path maps = Path.of("/proc/self/maps");
      return Files.exists(maps)
          ? Files.readAllLines(maps).stream().filter(line -> line.contains(name)).count()
          : 0;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static long packedMapped() {
    return mapped(".packed");
  }

  private static int threads() {
    return ManagementFactory.getThreadMXBean().getThreadCount();
  }

  private static long heapBytes() {
    for (int i = 0; i < 2; i++) { // the second takes what cleaners have let go
      System.gc();
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private long metersOf(String model) {
    long tagged = 0;
    for (Meter meter : meters.getMeters()) {
      tagged += model.equals(meter.getId().getTag("model")) ? 1 : 0;
    }
    String label = "model=\"" + model + "\"";
    return tagged + meters.scrape().lines().filter(line -> line.contains(label)).count();
  }

  @Test
  void comingAndGoingTwentyTimesLeavesNothing() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/maps")), "mapped files are seen on Linux alone");
    List<WeakReference<Object>> held = new ArrayList<>();
    List<Integer> expected = List.of();
    long mappedWithout = mapped("hgrn-odd") + packedMapped();
    int threadsBefore = 0;
    long heapBefore = 0;
    for (int round = 0; round < 20; round++) {
      server.load(Optional.of("odd"), ODD);
      awaitReady("odd");
      assertTrue(mapped("hgrn-odd") + packedMapped() > mappedWithout, "it is mapped");
      assertTrue(metersOf("odd") > 50, "it has meters");
      ServedModel model = models.require("odd");
      List<Integer> answer = read(generate(model, 20));
      expected = round == 0 ? answer : expected;
      assertEquals(expected, answer, "round " + round);
      held.add(new WeakReference<>(model.scheduler()));
      held.add(new WeakReference<>(models.hosted().getLast()));
      model = null;
      server.unload("odd");
      awaitGone("odd");
      assertEquals(mappedWithout, mapped("hgrn-odd") + packedMapped(), "round " + round);
      assertEquals(0, metersOf("odd"), "round " + round);
      if (round == 4) { // classes, caches and pools are there
        threadsBefore = threads();
        heapBefore = heapBytes();
      }
    }
    int threadsAllowed = threadsBefore + 2; // the JVM's own come and go
    Api.await("threads end", PATIENCE, () -> threads() <= threadsAllowed);
    long grown = heapBytes() - heapBefore;
    assertTrue(
        grown < 8_000_000, grown + " bytes of heap after 15 more models, which have more each");
    Api.await(
        "no model is held",
        PATIENCE,
        () -> {
          System.gc();
          return held.stream().allMatch(reference -> reference.refersTo(null));
        });
    assertEquals(20, read(generate(models.require("first"), 20)).size());
  }

  @Test
  void unloadingWaitsForAnswersThatRunAndTakesNoMore() throws Exception {
    server.load(Optional.empty(), ODD);
    awaitReady("hgrn-odd");
    ServedModel model = models.require("hgrn-odd");
    List<Integer> alone = read(generate(model, 1_000));
    Generation running = generate(model, 1_000);
    assertEquals(ModelStatus.UNLOADING, server.unload("hgrn-odd").status());
    assertRefused(ErrorKind.MODEL_NOT_FOUND, () -> models.require("hgrn-odd"));
    assertThrows(DrainingException.class, () -> generate(model, 1), "it came late");
    assertEquals(alone, read(running));
    awaitGone("hgrn-odd");
    RuntimeException late =
        assertThrows(TokenizerClosedException.class, () -> model.tokenizer().encode("late", true));
    assertTrue(ErrorBody.of(late).contains("model_not_found"), "of a request just being read");
  }

  @Test
  void nonsenseIsRefused() {
    assertRefused(ErrorKind.MODEL_CONFLICT, () -> server.load(Optional.of("first"), ODD));
    assertRefused(ErrorKind.INVALID_REQUEST, () -> server.load(Optional.of(" "), ODD));
    assertRefused(ErrorKind.INVALID_REQUEST, () -> server.load(Optional.of("a\nb"), ODD));
    assertRefused(ErrorKind.INVALID_REQUEST, () -> server.load(Optional.of("x"), " "));
    assertRefused(ErrorKind.MODEL_NOT_FOUND, () -> server.unload("x"));
    assertEquals(1, models.all().size());
  }

  private static void assertRefused(ErrorKind kind, Runnable call) {
    ApiException refusal = assertThrows(ApiException.class, call::run);
    assertEquals(kind, refusal.kind(), refusal::getMessage);
  }

  @Test
  void aModelThatCannotBeLoadedSaysWhyAndCanBeMendedOrForgotten() {
    server.load(Optional.of("odd"), "no/such/folder");
    Api.await("it failed", PATIENCE, () -> models.report("odd").status() == ModelStatus.FAILED);
    String reason = models.report("odd").reason();
    assertNotNull(reason);
    assertTrue(reason.startsWith("no/such/folder is not a folder"), reason);
    assertTrue(meters.scrape().contains("llm_model_status{model=\"odd\",status=\"failed\",} 1.0"));
    server.load(Optional.of("odd"), ODD);
    awaitReady("odd");
    assertTrue(meters.scrape().contains("llm_model_status{model=\"odd\",status=\"failed\",} 0.0"));
    assertTrue(meters.scrape().contains("llm_model_status{model=\"odd\",status=\"ready\",} 1.0"));
    server.load(Optional.of("other"), "no/such/folder");
    Api.await("it failed", PATIENCE, () -> models.report("other").status() == ModelStatus.FAILED);
    server.unload("other");
    assertEquals(2, models.all().size());
    assertEquals(0, metersOf("other"));
  }

  @Test
  void theLastModelMayGo() {
    server.unload("first");
    awaitGone("first");
    assertRefused(ErrorKind.MODEL_NOT_FOUND, () -> models.require(null));
    server.load(Optional.of("first"), Models.BUNDLED.toString());
    awaitReady("first");
    assertEquals("first", models.require(null).id());
  }
}
