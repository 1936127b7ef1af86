package dev.tritium.loadtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

class AnswerTest {
  private static final long MILLI = 1_000_000;

  private final Histogram gapMicros = new Histogram(3);
  private final Answer answer = new Answer(0, 3, gapMicros);

  private static String chunk(String id, String text) {
    return "{\"data\":{\"id\":\"%s\",\"choices\":[{\"index\":0,\"text\":\"%s\"}]}}"
        .formatted(id, text);
  }

  private static String usage(int tokens) {
    return "{\"data\":{\"id\":\"a\",\"choices\":[],\"usage\":{\"completion_tokens\":%d}}}"
        .formatted(tokens);
  }

  private void readWhole() {
    answer.read(chunk("a", "x"), 50 * MILLI);
    answer.read(chunk("a", "y"), 52 * MILLI);
    answer.read(chunk("a", ""), 58 * MILLI);
    answer.read(usage(3), 59 * MILLI);
    answer.read("{\"data\":[DONE]}", 60 * MILLI);
  }

  @Test
  void aWholeAnswerHasItsTimes() {
    readWhole();
    assertNull(answer.problem());
    assertTrue(answer.begun() && answer.over());
    assertEquals(50_000, answer.firstMicros());
    assertEquals(2, gapMicros.getTotalCount());
    assertEquals(2_000, (double) gapMicros.getMinValue(), 10);
    assertEquals(6_000, (double) gapMicros.getMaxValue(), 10);
    assertEquals(4_000, answer.tokenMicros());
    assertEquals(3, answer.tokens());
    assertEquals(58 * MILLI, answer.lastNanos());
  }

  @Test
  void textThatSaysDoneIsNoEnd() {
    answer.read(chunk("a", "[DONE]"), MILLI);
    assertFalse(answer.over());
  }

  @Test
  void anAnswerWithoutItsEndIsAProblem() {
    assertEquals("no answer", answer.problem());
    answer.read(chunk("a", "x"), MILLI);
    assertEquals("no end", answer.problem());
  }

  @Test
  void anErrorEventIsAProblemEvenIfAnEndFollows() {
    answer.read(chunk("a", "x"), MILLI);
    answer.read("{\"data\":{\"error\":{\"message\":\"out of luck\"}}}", MILLI);
    answer.read("{\"data\":[DONE]}", MILLI);
    assertTrue(answer.over());
    assertEquals("out of luck", answer.problem());
  }

  @Test
  void aRequestThatWasSentAnewIsAProblem() {
    answer.read(chunk("a", "x"), MILLI);
    answer.read(chunk("b", "x"), 3_000 * MILLI);
    assertEquals("cut off in its middle", answer.problem());
  }

  @Test
  void anotherNumberOfTokensIsAProblem() {
    answer.read(chunk("a", "x"), MILLI);
    answer.read(usage(2), MILLI);
    answer.read("{\"data\":[DONE]}", MILLI);
    assertEquals("another number of tokens than asked for", answer.problem());
  }

  @Test
  void whatIsNoJsonIsAProblem() {
    answer.read("{\"data\":\"<html>", MILLI);
    assertEquals("no JSON: {\"data\":\"<html>", answer.problem());
  }
}
