package dev.tritium.loadtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The rules of every scenario, and the line of its report. */
class RunTest {
  private final Run run =
      new Run(
          Scenario.STEADY,
          new Run.Settings(Duration.ofSeconds(1), 1, 1, 100, 20, 1, 3),
          new Target(URI.create("http://127.0.0.1:1"), null),
          new Traffic("m", 1, 1, 1),
          null);
  private final Phase phase = run.phase("");

  /** An answer of three tokens. */
  private void answer(long firstMillis, long gapMillis) {
    Answer answer = phase.begin(3);
    for (int token = 0; token < 3; token++) {
      long nanos = answer.sentNanos() + (firstMillis + token * gapMillis) * 1_000_000;
      answer.read("{\"data\":{\"id\":\"a\",\"choices\":[{}]}}", nanos);
    }
    answer.read("{\"data\":{\"id\":\"a\",\"choices\":[],\"usage\":{\"completion_tokens\":3}}}", 0);
    answer.read("{\"data\":[DONE]}", 0);
    phase.end(answer);
  }

  @Test
  void fastWholeAnswersBreakNoRule() {
    answer(50, 10);
    run.judge();
    assertEquals(List.of(), run.broken());
    Map<String, String> row = phase.row();
    assertEquals("1", row.get("whole"));
    assertEquals("0", row.get("failed"));
    assertEquals("50", row.get("first ms p50"));
    assertEquals("10", row.get("gap ms p50"));
    assertEquals("10", row.get("token ms p50"));
    assertEquals(3 / 0.07, phase.tokensPerSecond(), 1);
  }

  @Test
  void aLateFirstTokenBreaksItsBound() {
    answer(150, 10);
    run.judge();
    assertEquals(1, run.broken().size(), run.broken()::toString);
    assertTrue(
        run.broken().getFirst().startsWith("time to the first token"), run.broken()::toString);
  }

  @Test
  void aLongGapBreaksItsBound() {
    answer(50, 30);
    run.judge();
    assertEquals(1, run.broken().size(), run.broken()::toString);
    assertTrue(run.broken().getFirst().startsWith("gap between tokens"), run.broken()::toString);
  }

  @Test
  void anAnswerThatNeverCameBreaksARule() {
    answer(50, 10);
    phase.end(phase.begin(3));
    run.judge();
    assertEquals(List.of("1 x no answer"), run.broken());
    assertEquals("1", phase.row().get("failed"));
    assertEquals("1 x no answer", phase.row().get("remarks"));
  }

  @Test
  void aRequestThatIsForgottenBreaksARule() {
    phase.begin(3);
    run.judge();
    assertEquals(List.of("1 requests have neither an answer nor an error"), run.broken());
  }

  @Test
  void whatWasRefusedOrLeftBreaksNone() {
    phase.begin(3);
    phase.refuse();
    phase.leave(phase.begin(3));
    run.judge();
    assertEquals(List.of(), run.broken());
    assertEquals("1", phase.row().get("refused"));
    assertEquals("1", phase.row().get("left"));
    assertEquals("-", phase.row().get("first ms p50"));
  }
}
