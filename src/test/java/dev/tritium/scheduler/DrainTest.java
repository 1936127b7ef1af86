package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.SequenceRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The way out: nobody new, the others to their end or to the end of the grace time. */
class DrainTest extends ByHand {
  private final Scheduler scheduler = scheduler(Schedulers.limits(2, 8, 32, PLENTY, 512));
  private final List<SequenceRequest> prompt = List.of(request(prompt(1, 40), 1, 5));

  @Test
  void itTakesNobodyNewAndLetsTheOthersEnd() {
    List<Generation> open = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      open.add(scheduler.submit(prompt));
    }
    step(scheduler, 2);
    scheduler.drain("closing time");
    DrainingException draining =
        assertThrows(DrainingException.class, () -> scheduler.submit(prompt));
    assertEquals("closing time", draining.getMessage());
    assertFalse(scheduler.isIdle());
    runAll(scheduler);
    for (Generation generation : open) {
      assertEquals(alone(prompt.getFirst()), read(generation));
      assertTrue(generation.isDone());
    }
    assertAtRest(scheduler);
    assertThrows(DrainingException.class, () -> scheduler.submit(prompt));
  }

  @Test
  void itIsIdleOnlyBetweenRequests() {
    assertTrue(scheduler.isIdle());
    Generation generation = scheduler.submit(prompt);
    assertFalse(scheduler.isIdle(), "one waits");
    List<Boolean> within = new ArrayList<>();
    model.beforeForward(() -> within.add(scheduler.isIdle()));
    generation.onReady(Runnable::run, () -> within.add(scheduler.isIdle()));
    step(scheduler, 5);
    assertEquals(List.of(false, false, false, false, false, false), within);
    runAll(scheduler);
    assertTrue(scheduler.isIdle());
  }

  @Test
  void itIsIdleOnceAllHaveLeft() {
    Generation leaves = scheduler.submit(prompt);
    step(scheduler, 1);
    leaves.cancel();
    assertFalse(scheduler.step());
    assertTrue(scheduler.isIdle());
  }

  @Test
  void endAllEndsWhatRunsFollowsAndWaitsWithTheReason() {
    List<Generation> open = new ArrayList<>();
    AtomicInteger told = new AtomicInteger();
    for (int i = 0; i < 4; i++) {
      open.add(scheduler.submit(prompt));
      open.getLast().onReady(Runnable::run, told::incrementAndGet);
    }
    step(scheduler, 1);
    assertEquals(2, scheduler.waitingCount());
    assertEquals(0, told.get());
    DrainingException reason = new DrainingException("the time is over");
    scheduler.endAll(reason);
    assertThrows(DrainingException.class, () -> scheduler.submit(prompt));
    assertFalse(scheduler.step());
    assertEquals(4, told.get());
    for (Generation generation : open) {
      assertSame(reason, assertThrows(DrainingException.class, generation::poll));
    }
    assertAtRest(scheduler);
    assertFalse(scheduler.step());
  }

  @Test
  void whatWasSaidBeforeTheEndIsReadFirst() {
    Generation generation = scheduler.submit(prompt);
    step(scheduler, 3);
    scheduler.endAll(new DrainingException("the time is over"));
    scheduler.step();
    assertEquals(2, read(generation).getFirst().tokens().size());
    assertThrows(DrainingException.class, generation::poll);
  }

  @Test
  void anAnswerThatWasCompleteStaysSo() {
    Generation generation = scheduler.submit(prompt);
    runAll(scheduler);
    scheduler.endAll(new DrainingException("the time is over"));
    scheduler.step();
    assertEquals(alone(prompt.getFirst()), read(generation));
    assertTrue(generation.isDone());
  }
}
