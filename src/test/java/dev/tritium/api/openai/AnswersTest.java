package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.RequestAccount;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Sse;
import dev.tritium.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** How answers go out to a client whose event loop is turned by hand. */
class AnswersTest {
  private static final int FIRST_BYTE = 3; // of the bundled vocabulary's 256 byte tokens
  private static final int LAST_BYTE = 258;
  private static final int PROMPT = 3; // tokens
  private static final int[] TALE = encoded("Once upon a time 🎉 there was a cat who had a hat.");
  private static final int[] ANSWER = Arrays.copyOfRange(TALE, PROMPT, TALE.length);

  @AutoClose private final IdleModel models = new IdleModel();
  private final FakeClient client = new FakeClient();

  private static int[] encoded(String text) {
    try (Tokenizer tokenizer = Tokenizer.open(dev.tritium.testing.Models.BUNDLED)) {
      return tokenizer.encode(text, true);
    }
  }

  /** Sends a completion and has the event loop begin it. */
  private void send(AnswerFormat format, CompletionRequest request) {
    Answers.send(request.model(), request.sequences(), request.options().stream(), format, client);
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
    @Override
    public String id() {
      return "cmpl-fake";
    }

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
  void anAnswerThatNoWorkerTakesIsAnError() {
    client.workerFailure = new RejectedExecutionException("no");
    String log =
        logOf(
            () -> {
              send(new Failing("", new Error()), request(false));
              run();
            });
    assertSame(client.workerFailure, client.failure);
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

  /** Byte tokens, of which the emoji is four, show no text before a token of another kind comes. */
  @Test
  void aReaderThatKeepsUpGetsOneEventForEachTokenThatShowsText() {
    try (IdleModel tales = new IdleModel(FakeModel.reciting(TALE))) {
      List<Integer> shown = tokensOfEvents(ANSWER);
      assertTrue(shown.contains(5) && shown.stream().filter(n -> n == 1).count() > 5);
      for (int stepsAtOnce : new int[] {1, 3}) { // the event loop may be late: that is no lag
        assertEquals(shown, tokensOfEvents(tales.completion(tale()), stepsAtOnce));
      }
      List<Integer> all = Collections.nCopies(ANSWER.length, 1);
      assertEquals(all, tokensOfEvents(tales.completion(tale("logprobs", 0)), 1));
    }
  }

  @Test
  void aReaderThatLagsGetsWhatItMissedAsOneEvent() {
    try (IdleModel tales = new IdleModel(FakeModel.reciting(TALE))) {
      CompletionRequest request = tales.completion(tale("logprobs", 0));
      send(new CompletionFormat(request), request);
      tales.step();
      client.reads = false;
      client.runLoop();
      for (int i = 0; i < 3; i++) {
        tales.step();
        client.runLoop();
      }
      client.readOn();
      client.reads = true;
      tales.step();
      client.runLoop();
      assertEquals(List.of(1, 3, 1), tokensOfEvents(client.written()));
    }
  }

  private static Object[] tale(Object... more) {
    Object[] body = {
      "prompt",
      Arrays.copyOf(TALE, PROMPT),
      "max_tokens",
      ANSWER.length,
      "temperature",
      0,
      "stream",
      true,
      "return_token_ids",
      true
    };
    return Stream.concat(Arrays.stream(body), Arrays.stream(more)).toArray();
  }

  /** How many tokens each event of a stream has. */
  private static List<Integer> tokensOfEvents(CompletionRequest request, int stepsAtOnce) {
    FakeClient reader = new FakeClient();
    Answers.send(request.model(), request.sequences(), true, new CompletionFormat(request), reader);
    reader.runLoop();
    boolean works = true;
    while (works) {
      for (int i = 0; i < stepsAtOnce; i++) {
        works = request.model().scheduler().step();
      }
      reader.runLoop();
    }
    Sse.read(reader.written()); // it is whole
    return tokensOfEvents(reader.written());
  }

  private static List<Integer> tokensOfEvents(String written) {
    Matcher ids = Pattern.compile("\"token_ids\":\\[([0-9,]*)]").matcher(written);
    return ids.results().map(found -> found.group(1).split(",").length).toList();
  }

  private static List<Integer> tokensOfEvents(int[] answer) {
    List<Integer> tokens = new ArrayList<>();
    int held = 0;
    for (int id : answer) {
      held++;
      if (id < FIRST_BYTE || id > LAST_BYTE) {
        tokens.add(held);
        held = 0;
      }
    }
    return tokens;
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
