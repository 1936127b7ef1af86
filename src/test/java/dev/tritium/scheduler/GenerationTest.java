package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.tritium.engine.AnswerBuffer;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.AnswerDelta.AnswerToken;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.RequestAccount;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GenerationTest {
  private final AtomicInteger woken = new AtomicInteger();
  private final AtomicInteger called = new AtomicInteger();
  private final Generation generation =
      new Generation(2, new RequestAccount(0, null), 0, woken::incrementAndGet);

  private static AnswerBuffer added(int choice, int token, @Nullable FinishReason finish) {
    AnswerBuffer added = new AnswerBuffer(choice);
    added.add(
        new AnswerDelta(
            choice, List.of(), token + " ", List.of(new AnswerToken(token, 0, null)), finish));
    return added;
  }

  private static void publish(Generation generation, AnswerBuffer added) {
    ReadyReaders ready = new ReadyReaders();
    generation.publish(added, ready);
    ready.call();
  }

  @Test
  void deltasThatWereNotReadAreMergedByChoice() {
    publish(generation, added(1, 1, null));
    publish(generation, added(0, 2, null));
    publish(generation, added(1, 3, FinishReason.STOP));
    List<AnswerDelta> deltas = generation.poll();
    assertEquals(List.of("2 ", "1 3 "), deltas.stream().map(AnswerDelta::text).toList());
    assertNull(deltas.getFirst().finish());
    assertEquals(FinishReason.STOP, deltas.getLast().finish());
    assertEquals(List.of(), generation.poll());
  }

  @Test
  void itIsDoneWhenEveryAnswerHasEndedAndWasRead() {
    publish(generation, added(0, 1, FinishReason.STOP));
    generation.poll();
    assertFalse(generation.isDone());
    publish(generation, added(1, 1, FinishReason.LENGTH));
    assertFalse(generation.isDone());
    generation.poll();
    assertTrue(generation.isDone());
  }

  @Test
  void aReaderIsCalledOnceWhenThereIsSomething() {
    generation.onReady(Runnable::run, called::incrementAndGet);
    assertEquals(0, called.get());
    publish(generation, added(0, 1, null));
    publish(generation, added(0, 2, null));
    assertEquals(1, called.get());
  }

  @Test
  void aReaderIsCalledAtOnceIfThereIsSomethingAlready() {
    publish(generation, added(0, 1, null));
    generation.onReady(Runnable::run, called::incrementAndGet);
    assertEquals(1, called.get());
    publish(generation, added(0, 2, null));
    assertEquals(1, called.get());
  }

  @Test
  void aReaderIsCalledAtOnceWhenAllIsOver() {
    publish(generation, added(0, 1, FinishReason.STOP));
    publish(generation, added(1, 1, FinishReason.STOP));
    generation.poll();
    generation.onReady(Runnable::run, called::incrementAndGet);
    assertEquals(1, called.get());
  }

  @Test
  void aLaterReaderReplacesOneThatWasNotCalled() {
    generation.onReady(Runnable::run, () -> fail("the first was replaced"));
    generation.onReady(Runnable::run, called::incrementAndGet);
    publish(generation, added(0, 1, null));
    assertEquals(1, called.get());
  }

  @Test
  void whoWantsAllIsCalledWhenTheLastAnswerHasEnded() {
    generation.onDone(Runnable::run, called::incrementAndGet);
    publish(generation, added(0, 1, FinishReason.STOP));
    publish(generation, added(1, 2, null));
    assertEquals(0, called.get());
    publish(generation, added(1, 3, FinishReason.STOP));
    assertEquals(1, called.get());
    assertEquals(
        List.of("1 ", "2 3 "), generation.pollWhole().stream().map(AnswerDelta::text).toList());
    generation.onDone(Runnable::run, called::incrementAndGet);
    assertEquals(2, called.get());
  }

  @Test
  void whoWantsAllGetsNoPart() {
    generation.onDone(Runnable::run, called::incrementAndGet);
    publish(generation, added(0, 1, FinishReason.STOP));
    generation.fail(new IllegalStateException("on purpose"));
    assertEquals(1, called.get());
    assertThrows(IllegalStateException.class, generation::pollWhole);
  }

  @Test
  void deltasThatWereNotReadCanBeTakenTokenByToken() {
    publish(generation, added(1, 1, null));
    publish(generation, added(0, 2, null));
    publish(generation, added(1, 3, null));
    publish(generation, added(1, 4, FinishReason.STOP));
    List<AnswerDelta> deltas = generation.pollTokens();
    assertEquals(List.of("2 ", "1 ", "3 ", "4 "), deltas.stream().map(AnswerDelta::text).toList());
    deltas.forEach(delta -> assertEquals(1, delta.tokens().size()));
    assertEquals(
        Arrays.asList(null, null, null, FinishReason.STOP),
        deltas.stream().map(AnswerDelta::finish).toList());
    assertEquals(List.of(), generation.pollTokens());
  }

  @Test
  void aFailureReachesTheReaderAndEveryPoll() {
    RuntimeException failure = new IllegalStateException("on purpose");
    generation.onReady(Runnable::run, called::incrementAndGet);
    generation.fail(failure);
    assertEquals(1, called.get());
    generation.onReady(Runnable::run, called::incrementAndGet);
    assertEquals(2, called.get());
    assertSame(failure, assertThrows(IllegalStateException.class, generation::poll).getCause());
    assertSame(failure, assertThrows(IllegalStateException.class, generation::poll).getCause());
    assertTrue(generation.isAbandoned());
  }

  @Test
  void aCancelledRequestWakesTheEngineAndHearsNothingMore() {
    generation.onReady(Runnable::run, called::incrementAndGet);
    generation.cancel();
    assertEquals(1, woken.get());
    publish(generation, added(0, 1, FinishReason.STOP));
    assertEquals(0, called.get());
    assertEquals(List.of(), generation.poll());
    assertTrue(generation.isAbandoned());
  }

  /** A reader that asks to be called, waits, and takes what there is, on a thread of its own. */
  private static List<AnswerDelta> readAll(Generation generation) throws InterruptedException {
    List<AnswerDelta> all = new ArrayList<>();
    Semaphore ready = new Semaphore(0);
    while (!generation.isDone()) {
      generation.onReady(Runnable::run, ready::release);
      assertTrue(ready.tryAcquire(10, TimeUnit.SECONDS), "never called after " + all);
      List<AnswerDelta> deltas = generation.poll();
      assertFalse(deltas.isEmpty(), "called with nothing to read after " + all);
      all.addAll(deltas);
    }
    return all;
  }

  @Test
  void aReaderOnAnotherThreadLosesNothingAndIsNeverCalledInVain() throws Exception {
    int tokens = 40;
    for (int round = 0; round < 1_000; round++) {
      Generation shared = new Generation(2, new RequestAccount(0, null), 0, () -> {});
      AtomicReference<List<AnswerDelta>> read = new AtomicReference<>(List.of());
      AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
      CountDownLatch begin = new CountDownLatch(1);
      Thread reader =
          Thread.startVirtualThread(
              () -> {
                try {
                  begin.countDown();
                  read.set(readAll(shared));
                } catch (Throwable e) {
                  failure.set(e);
                }
              });
      begin.await();
      for (int token = 0; token < tokens; token++) {
        FinishReason finish = token == tokens - 1 ? FinishReason.LENGTH : null;
        publish(shared, added(0, token, finish));
        publish(shared, added(1, token, finish));
        if (round % 3 == 0) {
          LockSupport.parkNanos(1_000); // lets the reader go to sleep
        }
      }
      assertTrue(reader.join(Duration.ofSeconds(20)), "round " + round + " hangs");
      assertNull(failure.get(), "round " + round);
      for (int choice = 0; choice < 2; choice++) {
        int of = choice;
        assertEquals(
            IntStream.range(0, tokens).boxed().toList(),
            read.get().stream()
                .filter(delta -> delta.choice() == of)
                .flatMap(delta -> delta.tokens().stream().map(AnswerToken::id))
                .toList(),
            "round " + round + ", choice " + choice);
      }
    }
  }
}
