package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.kernel.RowKernels;
import dev.tritium.kernel.ScalarRowKernels;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever fails, and whenever: it ends its own requests, and what comes then is as before. */
class FailureTest extends Disturbed {
  private static final Logger LOG = Logger.getLogger(Scheduler.class.getName());

  /** Without a stack trace; each case has one. */
  private static final class OnPurpose extends RuntimeException {
    private static final long serialVersionUID = 1;

    OnPurpose() {
      super("on purpose", null, false, false);
    }
  }

  private final OnPurpose failure = new OnPurpose();
  private int callsLeft;
  private boolean drawsFail;

  @BeforeAll
  static void logNothing() {
    LOG.setLevel(Level.OFF);
  }

  @AfterAll
  static void logAgain() {
    LOG.setLevel(null);
  }

  /** Fails once. */
  private void failInTime() {
    if (callsLeft-- == 0) {
      throw failure;
    }
  }

  /** Kernels whose argmax, with which each draw begins, may fail. */
  private RowKernels kernels() {
    RowKernels scalar = new ScalarRowKernels();
    return (RowKernels)
        Proxy.newProxyInstance(
            RowKernels.class.getClassLoader(),
            new Class<?>[] {RowKernels.class},
            (proxy, method, arguments) -> {
              if (drawsFail && method.getName().equals("argmax")) {
                failInTime();
              }
              try {
                return method.invoke(scalar, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  /** Arms what fails on the scheduler's new model. */
  private interface Arm {
    void on(Scheduler scheduler);
  }

  /** Lets each call fail in turn; returns how many there were. */
  private int failEach(Mix mix, int least, int most, Arm arm) {
    List<List<AnswerDelta>> expected = mix.expected();
    for (int call = 0; ; call++) {
      Scheduler scheduler = fresh(mix, kernels());
      callsLeft = Integer.MAX_VALUE;
      arm.on(scheduler);
      callsLeft = call;
      List<Client> clients = play(scheduler, mix, -1, false, none -> {});
      boolean failed = callsLeft < 0;
      String where = mix + ", call " + call;
      int ended = 0;
      for (int c = 0; c < clients.size(); c++) {
        Client client = clients.get(c);
        if (client.failure == null) {
          assertEquals(expected.get(c), client.answers(), where + ", client " + c);
        } else {
          assertInstanceOf(IllegalStateException.class, client.failure);
          assertSame(failure, client.failure.getCause());
          ended++;
        }
      }
      assertAtRest(scheduler);
      if (!failed) {
        assertEquals(0, ended);
        return call;
      }
      assertTrue(ended >= least && ended <= most, ended + " requests ended: " + where);
      List<Client> after = play(scheduler, mix, -1, false, none -> {});
      for (int c = 0; c < after.size(); c++) {
        assertEquals(expected.get(c), after.get(c).answers(), where + ", afterwards " + c);
      }
      assertAtRest(scheduler);
    }
  }

  @ParameterizedTest
  @MethodSource("mixes")
  void aDrawThatFailsEndsItsRequestAlone(Mix mix) {
    drawsFail = true;
    int draws =
        mix.expected().stream().flatMap(List::stream).mapToInt(a -> a.tokens().size()).sum();
    assertEquals(draws, failEach(mix, 1, 1, scheduler -> {}));
  }

  @ParameterizedTest
  @MethodSource("mixes")
  void aStateThatCannotBeMadeEndsItsRequestAlone(Mix mix) {
    assertTrue(
        failEach(mix, 1, 1, scheduler -> model.beforeState(this::failInTime))
            > mix.arrivals().size());
  }

  @ParameterizedTest
  @MethodSource("mixes")
  void aSnapshotThatCannotBeMadeEndsTheBatchAtMost(Mix mix) {
    int snapshots = failEach(mix, 0, PLACES, scheduler -> model.beforeSnapshot(this::failInTime));
    assertEquals(mix.cacheBytes() == 0, snapshots == 0);
  }

  @ParameterizedTest
  @MethodSource("mixes")
  void aForwardCallThatFailsEndsTheRequestsOfItsBatch(Mix mix) {
    List<List<AnswerDelta>> expected = mix.expected();
    int length = length(mix);
    for (int at = 0; at < length; at++) {
      Scheduler scheduler = fresh(mix);
      int[] running = new int[1];
      List<Client> clients =
          play(
              scheduler,
              mix,
              at,
              true,
              all -> {
                running[0] = scheduler.runningCount();
                throw failure;
              });
      int ended = 0;
      for (int c = 0; c < clients.size(); c++) {
        Client client = clients.get(c);
        ended += client.failure == null ? 0 : 1;
        if (client.failure == null) {
          assertEquals(expected.get(c), client.answers(), mix + ", step " + at + ", client " + c);
        } else {
          assertSame(failure, client.failure.getCause());
        }
      }
      assertTrue(ended >= 1 && ended <= running[0], ended + " ended of " + running[0]);
      assertAtRest(scheduler);
    }
  }

  @Test
  void aStateThatCannotBeKeptEndsNoRequest() {
    Scheduler scheduler = caching(64, 512);
    Generation ends = submit(scheduler, prompt(1, 20), 3);
    Generation leaves = submit(scheduler, prompt(2, 20), 9);
    Generation stays = submit(scheduler, prompt(3, 20), 9);
    step(scheduler, 2);
    model.beforeSnapshot(
        () -> {
          throw failure;
        });
    leaves.cancel();
    runAll(scheduler);
    assertEquals(alone(request(prompt(1, 20), 1, 3)), read(ends));
    assertEquals(alone(request(prompt(3, 20), 1, 9)), read(stays));
    assertAtRest(scheduler);
  }
}
