package dev.tritium.api.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.AnswerDelta.AnswerToken;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.TokenLogprob;
import dev.tritium.testing.Api;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** How several answers of a prompt are written, from answers made by hand. */
class SeveralAnswersFormatTest {
  private static final List<int[]> TWO_PROMPTS =
      List.of(new int[] {400, 401}, new int[] {500, 501});
  private static final RequestAccount NOTHING_USED = new RequestAccount(0, null);
  @AutoClose private static final IdleModel models = new IdleModel();

  @Test
  void theBestAnswersOfEachPromptComeFirst() {
    CompletionRequest request =
        models.completion("prompt", TWO_PROMPTS, "n", 2, "best_of", 3, "max_tokens", 9);
    List<AnswerDelta> drawn =
        List.of(
            answer(0, "worst", -3, -3),
            answer(1, "best", -1, -1, -1, -1, -1, -1, -1), // the mean counts, not the sum
            answer(2, "second", -2),
            answer(3, "second", -2, -4),
            answer(4, "worst", -9),
            answer(5, "best", 0, -1));
    JsonNode choices = json(new CompletionFormat(request).body(drawn, NOTHING_USED));
    assertEquals(
        List.of(0, 1, 2, 3), choices.findValues("index").stream().map(JsonNode::intValue).toList());
    assertEquals(
        List.of("best", "second", "best", "second"),
        choices.findValues("text").stream().map(JsonNode::textValue).toList());
    choices.forEach(choice -> assertTrue(choice.get("logprobs").isNull(), "nobody asked for them"));
  }

  @Test
  void equalAnswersStayInTheirOrder() {
    CompletionRequest request = models.completion("prompt", "A", "n", 2, "best_of", 3);
    List<AnswerDelta> drawn =
        List.of(answer(0, "first", -1), answer(1, "second", -1, -1), answer(2, "third", -1));
    JsonNode choices = json(new CompletionFormat(request).body(drawn, NOTHING_USED));
    assertEquals("first", choices.at("/0/text").textValue());
    assertEquals("second", choices.at("/1/text").textValue());
  }

  @Test
  void everyChoiceOfABodyEchoesThePromptAndItsLogprobs() {
    CompletionRequest request =
        models.completion("prompt", TWO_PROMPTS, "n", 2, "echo", true, "logprobs", 0);
    List<AnswerDelta> answers =
        List.of(
            scored(0, answer(0, "a", -1), -0.5),
            answer(1, "b", -2),
            scored(2, answer(2, "c", -3), -0.25),
            answer(3, "d", -4));
    assertEchoed(request, json(new CompletionFormat(request).body(answers, NOTHING_USED)));
  }

  @Test
  void everyChoiceOfAStreamEchoesThePromptThatOnlyTheFirstBrings() {
    CompletionRequest request =
        models.completion(
            "prompt", TWO_PROMPTS, "n", 2, "echo", true, "logprobs", 0, "stream", true);
    CompletionFormat format = new CompletionFormat(request);
    List<AnswerDelta> deltas =
        List.of(
            new AnswerDelta(
                2, List.of(new TokenLogprob(501, -0.25, List.of())), "", List.of(), null),
            answer(3, "d", -4), // begins, and ends, before the first choice of its prompt
            scored(0, answer(0, "a", -1), -0.5),
            answer(2, "c", -3),
            answer(1, "b", -2));
    JsonNode[] choices = new JsonNode[4];
    for (AnswerDelta delta : deltas) {
      for (String event : format.events(delta, NOTHING_USED)) {
        JsonNode choice = json(event).get(0);
        assertEquals(delta.choice(), choice.get("index").intValue());
        choices[delta.choice()] = choice;
      }
    }
    assertEchoed(request, Api.JSON.valueToTree(choices));
  }

  private static void assertEchoed(CompletionRequest request, JsonNode choices) {
    assertEquals(4, choices.size());
    for (int c = 0; c < 4; c++) {
      Prompt prompt = request.prompts().get(c / 2);
      JsonNode choice = choices.get(c);
      assertEquals(c, choice.get("index").intValue());
      assertEquals(prompt.text() + "abcd".charAt(c), choice.get("text").textValue());
      JsonNode scores = choice.at("/logprobs/token_logprobs");
      assertEquals("[null,%s,%s]".formatted(c < 2 ? -0.5 : -0.25, -1.0 - c), scores.toString());
      JsonNode offsets = choice.at("/logprobs/text_offset");
      assertEquals(prompt.text().length(), offsets.get(2).intValue(), offsets::toString);
    }
  }

  @Test
  void aChatStreamOpensEveryChoiceAndABodyHasThemAll() {
    ChatRequest request = models.chat("n", 2, "stream", true);
    ChatFormat format = new ChatFormat(request);
    List<String> opening = format.opening(NOTHING_USED);
    assertEquals(2, opening.size());
    for (int c = 0; c < 2; c++) {
      JsonNode choice = json(opening.get(c)).get(0);
      assertEquals(c, choice.get("index").intValue());
      assertEquals("assistant", choice.at("/delta/role").textValue());
    }
    List<String> events = format.events(answer(1, "b", -1), NOTHING_USED);
    assertEquals(2, events.size(), events::toString);
    events.forEach(event -> assertEquals(1, json(event).at("/0/index").intValue(), event));
    assertEquals("b", json(events.getFirst()).at("/0/delta/content").textValue());

    List<AnswerDelta> answers = List.of(answer(0, "a", -1), answer(1, "b", -1));
    JsonNode choices = json(new ChatFormat(models.chat("n", 2)).body(answers, NOTHING_USED));
    assertEquals(2, choices.size());
    for (int c = 0; c < 2; c++) {
      assertEquals(c, choices.get(c).get("index").intValue());
      assertEquals("ab".substring(c, c + 1), choices.get(c).at("/message/content").textValue());
    }
  }

  @Test
  void whatIsHeldBackIsHeldForEachChoiceAlone() {
    ChatFormat format = new ChatFormat(models.chat("n", 2, "stream", true, "logprobs", false));
    assertEquals(List.of(), format.events(part(0, "", null), NOTHING_USED));
    assertEquals(List.of(), format.events(part(1, "", null), NOTHING_USED));
    List<String> events = format.events(part(1, "one", null), NOTHING_USED);
    assertEquals(1, events.size(), events::toString);
    assertEquals(1, json(events.getFirst()).at("/0/index").intValue());
    events = format.events(part(0, "", FinishReason.STOP), NOTHING_USED);
    assertEquals(1, events.size(), events::toString);
    assertEquals(0, json(events.getFirst()).at("/0/index").intValue());
  }

  @Test
  void chunksHaveFewSizesWhereThatIsAskedFor() {
    Map<String, Boolean> padded = Map.of("include_obfuscation", true, "include_usage", true);
    for (String text : List.of("a", "é", "🎉", "\n\"", "twelve words ".repeat(12))) {
      CompletionFormat completion =
          new CompletionFormat(
              models.completion("prompt", "A", "stream", true, "stream_options", padded));
      ChatFormat chat = new ChatFormat(models.chat("stream", true, "stream_options", padded));
      List<String> events = new ArrayList<>(chat.opening(NOTHING_USED));
      events.addAll(chat.events(answer(0, text, -1), NOTHING_USED));
      events.addAll(completion.events(answer(0, text, -1), NOTHING_USED));
      assertEquals(4, events.size(), events::toString);
      for (String event : events) {
        assertEquals(0, event.getBytes(UTF_8).length % AnswerHeader.PADDED_BYTES, event);
        assertTrue(event.contains("\"obfuscation\":\""), event);
      }
      assertFalse(chat.closing(NOTHING_USED).toString().contains("obfuscation"));
    }
    ChatFormat plain = new ChatFormat(models.chat("stream", true));
    assertFalse(plain.events(answer(0, "a", -1), NOTHING_USED).toString().contains("obfuscation"));
  }

  /** A whole answer with a token for each log-probability. */
  private static AnswerDelta answer(int choice, String text, double... logprobs) {
    List<AnswerToken> tokens =
        Arrays.stream(logprobs)
            .mapToObj(p -> new AnswerToken(300, 0, new TokenLogprob(300, p, List.of())))
            .toList();
    return new AnswerDelta(choice, List.of(), text, tokens, FinishReason.LENGTH);
  }

  /** The answer with the log-probability of its prompt's second token. */
  private static AnswerDelta scored(int choice, AnswerDelta answer, double logprob) {
    return new AnswerDelta(
        choice,
        List.of(new TokenLogprob(401 + 50 * choice, logprob, List.of())),
        answer.text(),
        answer.tokens(),
        answer.finish());
  }

  private static AnswerDelta part(int choice, String text, @Nullable FinishReason finish) {
    return new AnswerDelta(choice, List.of(), text, List.of(new AnswerToken(300, 0, null)), finish);
  }

  /** The choices of a body or chunk. */
  private static JsonNode json(String body) {
    try {
      return Api.JSON.readTree(body).get("choices");
    } catch (JsonProcessingException e) {
      throw new AssertionError(body, e);
    }
  }
}
