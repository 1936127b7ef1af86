package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.Logprobs;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.testing.Api;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** What {@code n}, {@code best_of} and {@code cache_salt} ask of the engine. */
class SeveralAnswersRequestTest {
  private static final List<String> TWO = List.of("Once", "The");
  @AutoClose private static final IdleModel models = new IdleModel();

  @Test
  void aPromptIsOneSequenceOfItsAnswers() {
    CompletionRequest request = models.completion("prompt", TWO, "n", 3);
    assertChoices(request, 3);
    assertEquals(3, request.n());
    assertEquals(Logprobs.NONE, request.sequences().getFirst().logprobs());

    assertChoices(models.completion("prompt", TWO), 1);
    assertEquals(4, models.chat("n", 4).sequence().answers());
    assertEquals(1, models.chat().sequence().answers());
  }

  @Test
  void theBestAreChosenByLogprobsThatNobodyAskedFor() {
    CompletionRequest request = models.completion("prompt", TWO, "n", 2, "best_of", 5);
    assertChoices(request, 5);
    assertEquals(2, request.n());
    assertEquals(new Logprobs(0, true, false), request.sequences().getFirst().logprobs());
    assertFalse(request.logprobs());

    CompletionRequest shown =
        models.completion("prompt", "A", "best_of", 2, "logprobs", 3, "echo", true);
    assertEquals(new Logprobs(3, true, true), shown.sequences().getFirst().logprobs());
    assertTrue(shown.logprobs());

    for (int bestOf : new int[] {0, 2}) {
      CompletionRequest all =
          models.completion("prompt", TWO, "n", 2, "best_of", bestOf, "stream", true);
      assertChoices(all, 2);
      assertEquals(Logprobs.NONE, all.sequences().getFirst().logprobs(), "nothing to choose");
    }
  }

  @Test
  void theSaltReachesEverySequence() {
    for (String salt : List.of("", "t", "x".repeat(256), "🎉")) {
      for (SequenceRequest sequence :
          models.completion("prompt", TWO, "cache_salt", salt).sequences()) {
        assertEquals(salt, sequence.cacheSalt());
      }
      assertEquals(salt, models.chat("cache_salt", salt).sequence().cacheSalt());
    }
    assertEquals("", models.chat("cache_salt", Api.JSON.nullNode()).sequence().cacheSalt());
    assertRefused("cache_salt", "256", "prompt", "A", "cache_salt", "x".repeat(257));
  }

  @Test
  void moreAnswersThanOneRequestMayHaveAreRefused() {
    List<String> sixteen = Collections.nCopies(16, "A");
    assertChoices(models.completion("prompt", sixteen, "n", 8), 8);
    assertRefused("n", "128", "prompt", sixteen, "n", 9);
    assertChoices(models.completion("prompt", sixteen, "n", 1, "best_of", 8), 8);
    assertRefused("best_of", "128", "prompt", sixteen, "n", 8, "best_of", 9);
  }

  @Test
  void moreAnswersThanRunAtOnceAreRefused() {
    int most = IdleModel.MAX_RUNNING;
    String setting = "tritium.scheduler.max-running";
    assertChoices(models.completion("prompt", "A", "n", most), most);
    assertRefused("n", setting, "prompt", "A", "n", most + 1);
    ApiException refused = assertThrows(ApiException.class, () -> models.chat("n", most + 1));
    assertEquals("n", refused.param());
  }

  @Test
  void theBestOfFewerOrOfAStreamIsRefused() {
    assertRefused("best_of", "'n' (3)", "prompt", "A", "n", 3, "best_of", 2);
    assertRefused("best_of", "leave out", "prompt", "A", "best_of", 2, "stream", true);
  }

  @Test
  void moreLogprobsThanAnAnswerCanHoldAreRefused() {
    List<List<Integer>> prompts = Collections.nCopies(16, Collections.nCopies(5_000, 300));
    assertEquals(16, models.completion("prompt", prompts, "n", 4, "echo", true).sequences().size());
    assertRefused("logprobs", "1926144", "prompt", prompts, "n", 4, "echo", true, "logprobs", 5);
    assertRefused(
        "logprobs", "1200000", "prompt", "A", "n", 4, "max_tokens", 50_000, "logprobs", 5);
  }

  private static void assertChoices(CompletionRequest request, int answers) {
    for (int p = 0; p < request.sequences().size(); p++) {
      SequenceRequest sequence = request.sequences().get(p);
      assertEquals(answers, sequence.answers());
      assertEquals(p * answers, sequence.choice());
    }
    assertEquals(request.prompts().size(), request.sequences().size());
  }

  private static void assertRefused(String param, String message, Object... body) {
    ApiException refused = assertThrows(ApiException.class, () -> models.completion(body));
    assertEquals(ErrorKind.INVALID_REQUEST, refused.kind());
    assertEquals(param, refused.param(), refused.getMessage());
    assertTrue(String.valueOf(refused.getMessage()).contains(message), refused.getMessage());
  }
}
