package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** What clients of vLLM, llama.cpp's server and TGI send, where it means what this server does. */
class PeersParametersTest {
  @AutoClose private static final IdleModel models = new IdleModel();

  @Test
  void everyValueThatMeansOffIsTaken() {
    int values = 0;
    for (boolean chat : new boolean[] {false, true}) {
      Map<String, Parameter> table = chat ? Parameters.CHAT : Parameters.COMPLETIONS;
      for (Parameter parameter : table.values()) {
        if (parameter.status() == Parameter.Status.REFUSED) {
          ObjectNode schema = (ObjectNode) Json.readValue(parameter.shape().schema());
          for (JsonNode off : schema.withArray("enum")) {
            Object[] body = {"prompt", "A", parameter.name(), off};
            assertEquals(
                1,
                chat
                    ? models.chat(parameter.name(), off).sequence().answers()
                    : models.completion(body).sequences().size());
            values++;
          }
        }
      }
    }
    assertTrue(values > 60, values + " values");
    models.completion("prompt", "A", "parameters", Map.of(), "top_n_tokens", 0);
    models.chat("reasoning_effort", "none");
  }

  @Test
  void reasoningIsRefusedWithTheReason() {
    ApiException refused =
        assertThrows(ApiException.class, () -> models.chat("reasoning_effort", "low"));
    assertEquals("reasoning_effort", refused.param());
    assertTrue(String.valueOf(refused.getMessage()).endsWith("do not reason before they answer"));
  }

  @Test
  void doSampleFalseIsGreedy() {
    assertEquals(0, temperature("do_sample", false));
    assertEquals(0, temperature("do_sample", false, "temperature", 0));
    assertEquals(0.5, temperature("do_sample", true, "temperature", 0.5));
    assertEquals(1, temperature("do_sample", true));
    assertRefused("do_sample", "do_sample", false, "temperature", 0.5);
  }

  private static double temperature(Object... body) {
    return models.chat(body).sequence().sampling().temperature();
  }

  @Test
  void aWindowOfPenaltiesIsTakenWhereThereAreNone() {
    for (int window : new int[] {-1, 0, 64}) {
      assertEquals(
          1, models.chat("repeat_last_n", window).sequence().sampling().repetitionPenalty());
    }
    for (String penalty : List.of("repetition_penalty", "presence_penalty", "frequency_penalty")) {
      models.chat("repeat_last_n", -1, penalty, 1.5);
      assertRefused("repeat_last_n", "repeat_last_n", 64, penalty, 1.5);
      assertRefused("repeat_last_n", "repeat_last_n", 0, penalty, 1.5);
    }
    assertRefused("repeat_last_n", "repeat_last_n", -2);
  }

  @Test
  void nPredictMinusOneAsksForAllThatFits() {
    int[] longest = {300, 301, 302};
    List<int[]> prompts = List.of(new int[] {300}, longest);
    CompletionRequest both = models.completion("prompt", prompts, "n_predict", -1);
    both.sequences().forEach(one -> assertEquals(IdleModel.MAX_TOKENS - 3, one.stop().maxTokens()));
    CompletionRequest limited =
        models.completion("prompt", longest, "n_predict", -1, "max_tokens", 5);
    assertEquals(5, limited.sequences().getFirst().stop().maxTokens());

    ChatRequest chat = models.chat("n_predict", -1);
    int room = IdleModel.MAX_TOKENS - chat.sequence().prompt().length;
    assertEquals(room, chat.sequence().stop().maxTokens());
    assertEquals(5, models.chat("n_predict", -1, "max_tokens", 5).sequence().stop().maxTokens());
    assertRefused("n_predict", "n_predict", 8);
  }

  private static void assertRefused(String param, Object... body) {
    ApiException refused = assertThrows(ApiException.class, () -> models.chat(body));
    assertEquals(param, refused.param(), refused.getMessage());
  }
}
