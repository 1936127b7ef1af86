package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Sse;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code n} and {@code best_of} on the bundled model. */
@QuarkusTest
class SeveralAnswersTest {
  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";
  private static final List<Map<String, String>> HELLO =
      List.of(Map.of("role", "user", "content", "Once upon a time"));
  private static final Object[] SEEDED = {
    "prompt", "The", "seed", 7, "temperature", 1.5, "max_tokens", 12, "logprobs", 1
  };

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri);
  }

  @Test
  void greedyAnswersAreAllTheSame() {
    Object[] body = {"prompt", "The", "temperature", 0, "max_tokens", 12};
    List<String> texts = texts(api.ask(COMPLETIONS, with(body, "n", 3)));
    String alone = texts(api.ask(COMPLETIONS, body)).getFirst();
    assertEquals(List.of(alone, alone, alone), texts);
  }

  @Test
  void aSeedsAnswersDifferAndComeAgainWhateverTheirNumber() {
    List<JsonNode> three = choices(api.ask(COMPLETIONS, with(SEEDED, "n", 3)));
    assertEquals(3, three.stream().map(choice -> choice.get("text")).distinct().count());
    assertEquals(three, choices(api.ask(COMPLETIONS, with(SEEDED, "n", 3))));
    assertEquals(three, choices(api.ask(COMPLETIONS, with(SEEDED, "n", 4))).subList(0, 3));
    assertEquals(three.subList(0, 1), choices(api.ask(COMPLETIONS, SEEDED)));
  }

  @Test
  void aStreamIsThePlainAnswersInPieces() {
    for (boolean echo : new boolean[] {false, true}) {
      Object[] body = with(SEEDED, "prompt", List.of("The", "Once upon"), "n", 2, "echo", echo);
      List<JsonNode> plain = choices(api.ask(COMPLETIONS, body));
      Sse stream = api.stream(COMPLETIONS, with(body, "stream", true));
      assertEquals(4, plain.size());
      for (int c = 0; c < 4; c++) {
        String inputs = "echo " + echo + " choice " + c;
        assertEquals(c, plain.get(c).get("index").intValue(), inputs);
        assertEquals(plain.get(c).get("text").textValue(), stream.text(c), inputs);
        assertEquals(plain.get(c).get("finish_reason").textValue(), stream.finishReason(c), inputs);
        List<JsonNode> scores =
            stream.choices(c).stream()
                .flatMap(chunk -> chunk.at("/logprobs/token_logprobs").valueStream())
                .toList();
        assertEquals(
            plain.get(c).at("/logprobs/token_logprobs").valueStream().toList(), scores, inputs);
      }
    }
  }

  @Test
  void thePromptsOfARequestHaveTheirAnswersSideBySide() {
    List<String> prompts = List.of("Once upon a time", "The dog", "Once upon a time");
    Object[] body = {"temperature", 0, "max_tokens", 8, "ignore_eos", true};
    JsonNode answer = api.ask(COMPLETIONS, with(body, "prompt", prompts, "n", 2));
    assertEquals(6, answer.get("choices").size());
    for (int c = 0; c < 6; c++) {
      String alone =
          texts(api.ask(COMPLETIONS, with(body, "prompt", prompts.get(c / 2)))).getFirst();
      assertEquals(c, answer.at("/choices/" + c + "/index").intValue());
      assertEquals(alone, answer.at("/choices/" + c + "/text").textValue(), "choice " + c);
    }
    int promptTokens = prompts.stream().mapToInt(prompt -> api.tokenize(prompt).length).sum();
    assertEquals(promptTokens, answer.at("/usage/prompt_tokens").intValue(), "each prompt once");
    assertEquals(6 * 8, answer.at("/usage/completion_tokens").intValue());

    List<JsonNode> drawn = choices(api.ask(COMPLETIONS, with(SEEDED, "prompt", prompts, "n", 2)));
    assertNotEquals(drawn.get(0).get("text"), drawn.get(4).get("text"), "of equal prompts");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void anEchoedPromptIsScoredForEveryChoice(int maxTokens) {
    Object[] body = with(SEEDED, "prompt", "Once upon a time", "echo", true);
    List<JsonNode> choices =
        choices(api.ask(COMPLETIONS, with(body, "n", 3, "max_tokens", maxTokens)));
    JsonNode alone = api.ask(COMPLETIONS, with(body, "max_tokens", 0)).at("/choices/0/logprobs");
    int ids = alone.get("tokens").size();
    assertEquals(3, choices.size());
    for (JsonNode choice : choices) {
      assertTrue(choice.get("text").textValue().startsWith("Once upon a time"), choice::toString);
      for (String list : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
        List<JsonNode> entries = choice.at("/logprobs/" + list).valueStream().toList();
        assertEquals(ids + maxTokens, entries.size(), list);
        assertEquals(alone.get(list).valueStream().toList(), entries.subList(0, ids), list);
      }
    }
  }

  @Test
  void theBestOfManyHaveTheHighestMeanLogprob() {
    Object[] body = with(SEEDED, "max_tokens", 30);
    JsonNode all = api.ask(COMPLETIONS, with(body, "n", 6));
    List<String> expected =
        choices(all).stream()
            .sorted(Comparator.comparingDouble(SeveralAnswersTest::meanLogprob).reversed())
            .map(choice -> choice.get("text").textValue())
            .limit(2)
            .toList();
    assertEquals(6, new HashSet<>(texts(all)).size(), "different answers to choose from");
    JsonNode best = api.ask(COMPLETIONS, with(body, "n", 2, "best_of", 6));
    assertEquals(expected, texts(best));
    assertEquals(List.of(0, 1), best.findValues("index").stream().map(JsonNode::intValue).toList());
    assertEquals(all.get("usage").get("prompt_tokens"), best.get("usage").get("prompt_tokens"));
    assertEquals(
        all.get("usage").get("completion_tokens"),
        best.get("usage").get("completion_tokens"),
        "all that were drawn count");

    JsonNode unasked = api.ask(COMPLETIONS, with(body, "best_of", 6, "logprobs", null));
    assertEquals(expected.subList(0, 1), texts(unasked));
    assertTrue(unasked.at("/choices/0/logprobs").isNull(), unasked::toString);
  }

  private static double meanLogprob(JsonNode choice) {
    return choice
        .at("/logprobs/token_logprobs")
        .valueStream()
        .mapToDouble(JsonNode::doubleValue)
        .average()
        .orElseThrow();
  }

  @Test
  void aConversationMayHaveSeveralAnswers() {
    Object[] body = {"messages", HELLO, "seed", 3, "temperature", 1.5, "max_tokens", 10, "n", 2};
    JsonNode plain = api.ask(CHAT, body);
    assertEquals(2, plain.get("choices").size());
    Sse stream = api.stream(CHAT, with(body, "stream", true));
    assertEquals(2, stream.events().stream().filter(e -> e.toString().contains("role")).count());
    for (int c = 0; c < 2; c++) {
      JsonNode choice = plain.at("/choices/" + c);
      assertEquals(c, choice.get("index").intValue());
      List<JsonNode> chunks = stream.choices(c);
      assertEquals("assistant", chunks.getFirst().at("/delta/role").textValue());
      String content =
          String.join("", chunks.stream().map(ch -> ch.at("/delta/content").asText("")).toList());
      assertEquals(choice.at("/message/content").textValue(), content, "choice " + c);
      assertEquals(choice.get("finish_reason").textValue(), stream.finishReason(c));
    }
    assertNotEquals(plain.at("/choices/0/message/content"), plain.at("/choices/1/message/content"));
  }

  @Test
  void aSaltChangesNoAnswer() {
    List<JsonNode> answers = choices(api.ask(COMPLETIONS, SEEDED));
    for (String salt : List.of("", "a", "b", "a")) {
      assertEquals(answers, choices(api.ask(COMPLETIONS, with(SEEDED, "cache_salt", salt))), salt);
    }
  }

  @Test
  void aSaltKeepsPrefixesToItself() {
    Object[] body = with(SEEDED, "prompt", "Tom and Lily went to the old mill", "n", 2);
    int whole = api.tokenize("Tom and Lily went to the old mill").length;
    assertEquals(0, cachedTokens(with(body, "cache_salt", "one's own")));
    assertEquals(whole - 1, cachedTokens(with(body, "cache_salt", "one's own")));
    assertEquals(0, cachedTokens(with(body, "cache_salt", "another's")));
    assertTrue(cachedTokens(body) < whole - 1, "no more than other tests have left, the BOS");
    assertEquals(whole - 1, cachedTokens(body));
    assertEquals(whole - 1, cachedTokens(with(body, "cache_salt", "")), "the same as none");
  }

  private int cachedTokens(Object... body) {
    return api.ask(COMPLETIONS, body).at("/usage/prompt_tokens_details/cached_tokens").asInt(-1);
  }

  private static List<JsonNode> choices(JsonNode answer) {
    return answer.get("choices").valueStream().toList();
  }

  private static List<String> texts(JsonNode answer) {
    return choices(answer).stream().map(choice -> choice.get("text").textValue()).toList();
  }

  /** The body with other or more names and values. */
  private static Object[] with(Object[] body, Object... more) {
    Object[] all = Arrays.copyOf(body, body.length + more.length);
    System.arraycopy(more, 0, all, body.length, more.length);
    return all;
  }
}
