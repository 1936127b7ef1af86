package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.RequestAccount;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How answers go out to a client whose event loop is turned by hand. */
class AnswersTest {
  private final IdleModel models = new IdleModel();
  private final FakeClient client = new FakeClient();

  @AfterEach
  void close() {
    models.close();
  }

  /** Sends a completion and has the event loop begin it. */
  private void send(AnswerFormat format, CompletionRequest request) {
    Answers.send(
        request.model(), request.sequences(), request.options().stream(), format, client);
    client.runLoop();
  }

  /** Steps the engine until it has nothing to do; the event loop runs after each step. */
  private void run() {
    while (models.step()) {
      client.runLoop();
    }
  }

  /** A format that fails at one of its tasks. */
  private record Failing(String at, Throwable failure) implements AnswerFormat {
    private <T> T at(String task, T result) {
      if (!task.equals(at)) {
        return result;
      }
      if (failure instanceof Error e) {
        throw e;
      }
      throw (RuntimeException) failure;
    }

    @Override
    public List<String> opening(RequestAccount account) {
      return at("opening", List.of("{}"));
    }

    @Override
    public List<String> events(AnswerDelta delta, RequestAccount account) {
      return at("events", List.of("{}"));
    }

    @Override
    public List<String> closing(RequestAccount account) {
      return at("closing", List.of());
    }

    @Override
    public String body(List<AnswerDelta> answers, RequestAccount account) {
      return at("body", "{}");
    }
  }

  private CompletionRequest request(boolean stream) {
    return models.completion("prompt", "A", "max_tokens", 1_000, "stream", stream);
  }

  @Test
  void aStreamThatCannotBeginIsAnErrorAndEndsItsGeneration() {
    for (Throwable failure : List.of(new IllegalStateException("no"), new StackOverflowError())) {
      FakeClient one = new FakeClient();
      CompletionRequest request = request(true);
      Failing format = new Failing("opening", failure);
      String log =
          logOf(
              () -> {
                Answers.send(request.model(), request.sequences(), true, format, one);
                one.runLoop();
              });
      assertSame(failure, one.failure);
      assertEquals("", one.written());
      assertEquals(ErrorKind.INTERNAL, one.notes.error());
      assertTrue(log.contains("req-fake"), log);
      assertNothingIsLeft(one);
    }
  }

  @Test
  void aStreamThatFailsWhenItIsUnderWayEndsWithAnErrorEvent() {
    String log =
        logOf(
            () -> {
              send(new Failing("events", new IllegalStateException("no")), request(true));
              run();
            });
    assertTrue(client.written().contains("\"internal_error\""), client::written);
    assertFalse(client.written().contains("[DONE]"), client::written);
    assertTrue(client.finished);
    assertTrue(log.contains("req-fake"), log);
    assertNothingIsLeft(client);
  }

  @Test
  void aConnectionThatFailsWhenItIsWrittenToIsCut() {
    client.writeFailure = new IllegalArgumentException("no");
    String log = logOf(() -> send(new Failing("", new Error()), request(true)));
    assertTrue(client.cut && client.released);
    assertEquals(ErrorKind.INTERNAL, client.notes.error());
    assertTrue(log.contains("req-fake"), log);
    assertNothingIsLeft(client);
  }

  @Test
  void aDocumentThatCannotBeMadeIsAnError() {
    IllegalStateException failure = new IllegalStateException("no");
    send(new Failing("body", failure), request(false));
    run();
    assertSame(failure, client.failure);
    assertNothingIsLeft(client);
  }

  @Test
  void aReaderIsSlowByTheTicksThatItTakesNothingInNotByTheClock() {
    client.reads = false;
    send(new Failing("", new Error()), request(true));
    int most = Math.toIntExact(FakeClient.STALL.dividedBy(client.period));
    for (int i = 0; i < most; i++) {
      client.tick();
      assertFalse(client.cut, "after " + i + " whole periods");
    }
    client.readOn(); // in the last moment
    client.reads = false;
    models.step();
    client.runLoop();
    for (int i = 0; i < most; i++) {
      client.tick();
      assertFalse(client.cut, "after " + i + " whole periods since it read");
    }
    client.tick();
    assertTrue(client.cut && client.released && client.notes.stalled());
    assertNothingIsLeft(client);
  }

  @Test
  void aSilentStreamIsPinged() {
    send(new Failing("", new Error()), request(true));
    int periods = Math.toIntExact(FakeClient.PING.dividedBy(client.period));
    for (int i = 0; i < periods; i++) {
      client.tick();
    }
    assertFalse(client.written().contains(": ping"), client::written);
    client.tick();
    assertTrue(client.written().endsWith(": ping\n\n"), client::written);
  }

  /** The generation is cancelled: a step has nothing to do but to notice it. */
  private void assertNothingIsLeft(FakeClient one) {
    models.step();
    assertFalse(models.step(), "it generates on");
    assertEquals(0, models.model().scheduler().runningCount());
    assertEquals(0, one.held());
  }

  /** What {@link Answers} logs while something runs. */
  private static String logOf(Runnable action) {
    StringBuilder log = new StringBuilder();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            log.append(record.getMessage()).append('\n');
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger(Answers.class.getName());
    logger.addHandler(handler);
    try {
      action.run();
    } finally {
      logger.removeHandler(handler);
    }
    return log.toString();
  }
}
