package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.EngineListener;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Models;
import dev.tritium.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several models on one thread, stepped by hand: time passes only while a model runs. */
class TurnsTest {
  private static final int ENDLESS = 1_000_000;

  private static Tokenizer tokenizer;

  private long nowNanos;
  private final Turns turns = new Turns(() -> nowNanos);

  @BeforeAll
  static void open() {
    tokenizer = Tokenizer.open(Models.BUNDLED);
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  /** A model whose steps take a fixed time. */
  private final class Timed {
    final FakeModel model = FakeModel.reciting(300);
    final Scheduler scheduler;
    final Duration step;

    Timed(Duration step) {
      this(step, report -> {});
    }

    Timed(Duration step, EngineListener listener) {
      this.step = step;
      model.beforeForward(() -> nowNanos += step.toNanos());
      scheduler =
          new Scheduler(
              model, tokenizer, new ScalarRowKernels(), Schedulers.limits(4, 100, 16), listener);
    }

    Timed add(Duration warmUp) {
      turns.add(scheduler, warmUp);
      return this;
    }

    Generation submit(int tokens) {
      StopRules stop = new StopRules(tokens, 0, List.of(), Set.of());
      return scheduler.submit(
          List.of(new SequenceRequest(new int[2], 0, Sampling.greedy(), stop, Logprobs.NONE)));
    }

    int steps() {
      return model.rowsOfCalls().size();
    }

    double millis() {
      return steps() * step.toNanos() / 1e6;
    }

    boolean isWarm() throws InterruptedException {
      return turns.awaitWarm(scheduler, Duration.ZERO);
    }
  }

  private Timed model(int stepMillis) {
    return new Timed(Duration.ofMillis(stepMillis)).add(Duration.ZERO);
  }

  /** Reads what there is; whether that is the whole answer. */
  private static boolean isWhole(Generation generation) {
    generation.poll();
    generation.poll(); // a failure comes after what was drawn before
    return generation.isDone();
  }

  private void steps(int count) {
    for (int i = 0; i < count; i++) {
      assertTrue(turns.step(), "step " + i);
    }
  }

  @Test
  void nothingToDoIsNoStep() {
    assertFalse(turns.step());
    Timed model = model(1);
    assertFalse(turns.step());
    model.submit(3);
    steps(3);
    assertFalse(turns.step());
    assertEquals(3, model.steps());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 50})
  void modelsGetEqualTimeHoweverLongTheirStepsAre(int slowMillis) {
    Timed fast = model(1);
    Timed slow = model(slowMillis);
    Timed idle = model(1);
    fast.submit(ENDLESS);
    slow.submit(ENDLESS);
    for (int step = 0; step < 1_000; step++) {
      steps(1);
      assertEquals(fast.millis(), slow.millis(), slowMillis, "after step " + step);
    }
    assertEquals(0, idle.steps());
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 5})
  void theTimeIsSharedAmongThoseThatNeedIt(int models) {
    List<Timed> all = new ArrayList<>();
    for (int i = 0; i < models; i++) {
      all.add(model(2));
      all.getLast().submit(ENDLESS);
    }
    steps(100 * models);
    all.forEach(model -> assertEquals(100, model.steps()));
  }

  @Test
  void whoWasIdleIsOwedNothing() {
    Timed busy = model(2);
    busy.submit(ENDLESS);
    steps(500);
    Timed late = model(2);
    late.submit(40);
    steps(80);
    assertEquals(40, late.steps());
    assertEquals(540, busy.steps());
    steps(500);
    late.submit(ENDLESS); // it was known, and idle for long
    steps(80);
    assertEquals(80, late.steps());
    Timed added = model(2); // and so one that is new
    added.submit(ENDLESS);
    steps(90);
    assertEquals(30, added.steps(), 1);
  }

  @Test
  void onesFailureEndsItsOwnRequestsAlone() {
    boolean[] fails = {true};
    Timed fragile =
        new Timed(
                Duration.ofMillis(1),
                report -> {
                  if (fails[0]) {
                    throw new AssertionError("on purpose");
                  }
                })
            .add(Duration.ZERO);
    Timed sound = model(1);
    Generation lost = fragile.submit(ENDLESS);
    Generation kept = sound.submit(20);
    steps(1 + 20);
    assertThrows(IllegalStateException.class, () -> isWhole(lost));
    assertTrue(isWhole(kept));
    assertEquals(20, kept.account().answerTokens());
    fails[0] = false;
    Generation next = fragile.submit(3);
    steps(3);
    assertTrue(isWhole(next));
  }

  @Test
  void aNewModelWarmsUpInItsTurnsWhileOthersAreBusy() throws InterruptedException {
    Timed busy = model(2);
    busy.submit(ENDLESS);
    steps(100);
    Timed cold = new Timed(Duration.ofMillis(2)).add(Duration.ofMillis(20));
    steps(18);
    assertFalse(cold.isWarm());
    steps(3);
    assertTrue(cold.isWarm(), "20 ms of its own are over");
    assertEquals(10, cold.steps());
    steps(50);
    assertEquals(10, cold.steps(), "the rest of the warm-up waits for idle times");
    assertEquals(161, busy.steps());
  }

  @Test
  void theWarmUpGoesOnForThreeSecondsWhileNobodyHasWork() throws InterruptedException {
    Timed warm = new Timed(Duration.ofMillis(100)).add(Duration.ofMillis(100));
    Timed other = new Timed(Duration.ofMillis(100)).add(Duration.ofMillis(100));
    steps(2);
    assertTrue(warm.isWarm() && other.isWarm());
    steps(5);
    Generation request = other.submit(3);
    int before = warm.steps() + other.steps();
    steps(3);
    assertTrue(isWhole(request), "it came before the warm-up");
    assertEquals(before + 3, warm.steps() + other.steps());
    steps(60 - 5);
    assertFalse(turns.step());
    assertEquals(1 + 30, warm.steps());
    assertEquals(1 + 30 + 3, other.steps());
  }

  @Test
  void aWarmUpThatFailsLeavesAModelThatServes() throws InterruptedException {
    Timed model = new Timed(Duration.ofMillis(1));
    model.model.beforeForward(
        () -> {
          throw new IllegalStateException("on purpose");
        });
    model.add(Duration.ofSeconds(1));
    steps(1);
    assertTrue(model.isWarm());
    model.model.beforeForward(() -> {});
    Generation request = model.submit(3);
    steps(3);
    assertTrue(isWhole(request));
  }

  @Test
  void aModelThatWasRemovedHasNoTurns() throws InterruptedException {
    Timed gone = new Timed(Duration.ofMillis(1)).add(Duration.ofSeconds(1));
    Timed stays = model(1);
    gone.submit(ENDLESS);
    stays.submit(ENDLESS);
    steps(10);
    int before = gone.steps();
    turns.remove(gone.scheduler);
    turns.remove(gone.scheduler);
    steps(10);
    assertEquals(before, gone.steps());
    assertTrue(gone.isWarm(), "nobody waits for it");
    turns.remove(stays.scheduler);
    assertFalse(turns.step());
  }

  @Test
  void whenAllEndsNobodyWaitsForAWarmUpAndNoRequestStaysOpen() throws InterruptedException {
    Timed cold = new Timed(Duration.ofMillis(1)).add(Duration.ofSeconds(1));
    Timed busy = model(1);
    Generation open = busy.submit(ENDLESS);
    steps(4);
    int before = cold.steps();
    turns.endAll(new DrainingException("the end"));
    assertTrue(cold.isWarm());
    assertEquals(before, cold.steps());
    assertThrows(DrainingException.class, () -> isWhole(open));
    assertThrows(DrainingException.class, () -> cold.submit(1));
  }
}
