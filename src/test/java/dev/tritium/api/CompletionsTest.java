package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Sse;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code POST /v1/completions} of the bundled model. */
@QuarkusTest
class CompletionsTest {
  private static final String PATH = "/v1/completions";
  private static final int EOS = 2;

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri);
  }

  @Test
  void anAnswerHasOpenAisShape() {
    JsonNode answer = api.ask(PATH, "prompt", "Once upon a time", "max_tokens", 5, "seed", 1);
    assertTrue(answer.get("id").textValue().startsWith("cmpl-"), answer::toString);
    assertEquals("text_completion", answer.get("object").textValue());
    assertTrue(answer.get("created").isIntegralNumber(), answer::toString);
    assertEquals("tritium-stories-17m", answer.get("model").textValue());
    JsonNode choice = answer.at("/choices/0");
    assertEquals(0, choice.get("index").intValue());
    assertTrue(choice.get("logprobs").isNull(), answer::toString);
    assertEquals("length", choice.get("finish_reason").textValue());
    int promptTokens = api.tokenize("Once upon a time").length;
    assertUsage(answer, promptTokens, 5);
    int cachedTokens = answer.at("/usage/prompt_tokens_details/cached_tokens").asInt(-1);
    assertTrue(cachedTokens >= 0 && cachedTokens < promptTokens, answer::toString);
  }

  @Test
  void sixteenTokensAreTheDefault() {
    assertEquals(16, completionTokens(api.ask(PATH, "prompt", "A", "ignore_eos", true)));
  }

  @Test
  void aStreamIsThePlainAnswerInPieces() {
    for (String prompt : List.of("Once upon a time", "", "🎉 Привет, 世界", "The cat said: “")) {
      for (int seed = 0; seed < 3; seed++) {
        String inputs = "prompt '%s' seed %d".formatted(prompt, seed);
        Object[] body = {
          "prompt", prompt, "seed", seed, "max_tokens", 40, "logprobs", 2, "temperature", 1.3
        };
        JsonNode plain = api.ask(PATH, body).at("/choices/0");
        Sse stream = api.stream(PATH, with(body, "stream", true));
        assertEquals(plain.get("text").textValue(), stream.text(0), inputs);
        assertEquals(plain.get("finish_reason").textValue(), stream.finishReason(0), inputs);
        assertEquals(plain.get("logprobs"), joinedLogprobs(stream.choices(0)), inputs);
        assertOneAnswer(stream, "text_completion");
        stream.events().forEach(event -> assertFalse(event.has("usage"), event::toString));
      }
    }
  }

  @Test
  void usageComesInAChunkOfItsOwnWhenItIsAskedFor() {
    Sse stream =
        api.stream(
            PATH,
            "prompt",
            List.of("Once", "upon a time"),
            "max_tokens",
            7,
            "ignore_eos",
            true,
            "stream",
            true,
            "stream_options",
            Map.of("include_usage", true));
    List<JsonNode> events = stream.events();
    for (JsonNode event : events.subList(0, events.size() - 1)) {
      assertTrue(event.has("usage") && event.get("usage").isNull(), event::toString);
      assertEquals(1, event.get("choices").size(), event::toString);
    }
    assertEquals(0, events.getLast().get("choices").size());
    int promptTokens = api.tokenize("Once").length + api.tokenize("upon a time").length;
    assertUsage(events.getLast(), promptTokens, 14);
    assertOneAnswer(stream, "text_completion");
  }

  @Test
  void theAnswerEndsBeforeAStopStringWhereverTokensSplitIt() {
    Object[] body = {"prompt", "Once upon a time", "temperature", 0, "max_tokens", 40};
    String whole = text(api.ask(PATH, body));
    for (int start = 3; start < whole.length() - 12; start += 13) {
      String stop = whole.substring(start, start + 3 + start % 9);
      String expected = whole.substring(0, whole.indexOf(stop));
      Object[] stopping = with(body, "stop", List.of("no such text", stop));
      JsonNode plain = api.ask(PATH, stopping);
      assertEquals(expected, text(plain), "stop '" + stop + "'");
      assertEquals("stop", plain.at("/choices/0/finish_reason").textValue());
      Sse stream = api.stream(PATH, with(stopping, "stream", true));
      assertEquals(expected, stream.text(0), "streamed, stop '" + stop + "'");
      assertEquals("stop", stream.finishReason(0));
    }
  }

  @Test
  void aTextThatOnlyBeginsLikeAStopStringIsSentWhole() {
    Object[] body = {"prompt", "Once upon a time", "temperature", 0, "max_tokens", 12};
    String whole = text(api.ask(PATH, body));
    String almost = whole.substring(whole.length() - 4) + "#";
    assertEquals(whole, text(api.ask(PATH, with(body, "stop", almost))));
    assertEquals(whole, api.stream(PATH, with(body, "stop", almost, "stream", true)).text(0));
  }

  @Test
  void theDrawnTokenIsAlwaysAmongTheTopLogprobs() {
    for (int top = 0; top <= 5; top++) {
      Object[] body = {
        "prompt", "One day", "max_tokens", 20, "logprobs", top, "seed", top, "temperature", 1.5
      };
      JsonNode logprobs = api.ask(PATH, body).at("/choices/0/logprobs");
      assertSideBySide(logprobs);
      for (int i = 0; i < logprobs.get("tokens").size(); i++) {
        String token = logprobs.get("tokens").get(i).textValue();
        JsonNode tops = logprobs.get("top_logprobs").get(i);
        assertTrue(tops.has(token), "token " + i + " of " + logprobs);
        assertTrue(tops.size() >= 1 && tops.size() <= top + 1, "token " + i + " of " + logprobs);
        double own = logprobs.get("token_logprobs").get(i).doubleValue();
        assertTrue(own <= 0 && own <= tops.get(token).doubleValue(), logprobs::toString);
      }
    }
  }

  @Test
  void aGreedyTokensLogprobIsTheSameNumberAsItsTopEntry() {
    JsonNode choice =
        api.ask(PATH, "prompt", "One day", "max_tokens", 20, "logprobs", 5, "temperature", 0)
            .at("/choices/0");
    JsonNode logprobs = choice.get("logprobs");
    int offset = 0;
    for (int i = 0; i < logprobs.get("tokens").size(); i++) {
      String token = logprobs.get("tokens").get(i).textValue();
      JsonNode own = logprobs.get("token_logprobs").get(i);
      JsonNode tops = logprobs.get("top_logprobs").get(i);
      assertEquals(own, tops.get(token), "token " + i + " of " + logprobs);
      tops.forEach(top -> assertTrue(top.doubleValue() <= own.doubleValue(), tops::toString));
      assertEquals(offset, logprobs.get("text_offset").get(i).intValue(), logprobs::toString);
      offset += token.length();
    }
    assertEquals(choice.get("text").textValue().length(), offset, choice::toString);
  }

  @Test
  void echoWithoutAnAnswerScoresThePromptAlone() {
    for (String prompt : List.of("Once upon a time, there was", "🎉 Привет, 世界", "")) {
      int[] ids = api.tokenize(prompt);
      Object[] body = {"prompt", prompt, "echo", true, "logprobs", 1, "temperature", 0};
      JsonNode answer = api.ask(PATH, with(body, "max_tokens", 0));
      assertEquals(prompt, text(answer));
      assertUsage(answer, ids.length, 0);
      assertEquals("length", answer.at("/choices/0/finish_reason").textValue());
      JsonNode logprobs = answer.at("/choices/0/logprobs");
      assertSideBySide(logprobs);
      assertPromptLogprobs(logprobs, ids.length);

      JsonNode byIds =
          api.ask(PATH, with(with(body, "prompt", ids), "max_tokens", 0)).at("/choices/0/logprobs");
      assertEquals(logprobs.get("token_logprobs"), byIds.get("token_logprobs"), prompt);

      JsonNode one = api.ask(PATH, with(body, "max_tokens", 1));
      assertTrue(text(one).startsWith(prompt), one::toString);
      JsonNode longer = one.at("/choices/0/logprobs");
      assertSideBySide(longer);
      assertEquals(ids.length + 1, longer.get("tokens").size(), prompt);
      for (int i = 0; i < ids.length; i++) {
        for (String list : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
          assertEquals(logprobs.get(list).get(i), longer.get(list).get(i), list + " " + i);
        }
      }

      Sse stream = api.stream(PATH, with(with(body, "max_tokens", 1), "stream", true));
      assertEquals(text(one), stream.text(0));
      assertEquals(longer, joinedLogprobs(stream.choices(0)), prompt);
    }
  }

  @Test
  void aLongPromptIsScoredLikeItsBeginning() {
    int[] ids = new int[300];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = 300 + i * 7 % 3000;
    }
    Object[] body = {"echo", true, "logprobs", 2, "max_tokens", 0};
    JsonNode whole = api.ask(PATH, with(body, "prompt", ids)).at("/choices/0/logprobs");
    JsonNode part =
        api.ask(PATH, with(body, "prompt", Arrays.copyOf(ids, 140))).at("/choices/0/logprobs");
    assertPromptLogprobs(whole, 300);
    for (int i = 0; i < 140; i++) {
      assertEquals(part.get("top_logprobs").get(i), whole.get("top_logprobs").get(i), "id " + i);
    }
  }

  @Test
  void eachPromptOfAListIsAnsweredAsItIsAlone() {
    List<String> texts = List.of("Once upon a time", "The dog", "世界");
    List<int[]> ids = texts.stream().map(api::tokenize).toList();
    int promptTokens = ids.stream().mapToInt(list -> list.length).sum();
    Object[] body = {"temperature", 0, "max_tokens", 8, "ignore_eos", true};
    for (Object prompts : List.of(texts, ids)) {
      JsonNode answer = api.ask(PATH, with(body, "prompt", prompts));
      Sse stream = api.stream(PATH, with(body, "prompt", prompts, "stream", true));
      assertEquals(3, answer.get("choices").size());
      assertUsage(answer, promptTokens, 24);
      for (int i = 0; i < 3; i++) {
        String alone = text(api.ask(PATH, with(body, "prompt", texts.get(i))));
        String inputs = Api.json(prompts) + " choice " + i;
        assertEquals(i, answer.at("/choices/" + i + "/index").intValue(), inputs);
        assertEquals(alone, answer.at("/choices/" + i + "/text").textValue(), inputs);
        assertEquals(alone, stream.text(i), inputs);
        assertEquals("length", stream.finishReason(i), inputs);
      }
    }
  }

  @Test
  void idsAreRunAsTheyAreAndTextsGetABos() {
    int[] ids = api.tokenize("The dog");
    assertEquals(1, ids[0], "the tokenizer's BOS");
    int[] bare = Arrays.copyOfRange(ids, 1, ids.length);
    assertUsage(api.ask(PATH, "prompt", "The dog", "max_tokens", 1), ids.length, 1);
    assertUsage(api.ask(PATH, "prompt", bare, "max_tokens", 1), bare.length, 1);
    assertUsage(api.ask(PATH, "prompt", List.of(bare), "max_tokens", 1), bare.length, 1);
  }

  @Test
  void aSeedMakesAnAnswerRepeatable() {
    Set<String> answers = new HashSet<>();
    for (long seed : new long[] {0, 1, 2, -1, Long.MAX_VALUE, Long.MIN_VALUE}) {
      Object[] body = {"prompt", "The", "max_tokens", 12, "temperature", 1.5, "seed", seed};
      String first = text(api.ask(PATH, body));
      assertEquals(first, text(api.ask(PATH, body)), "seed " + seed);
      answers.add(first);
    }
    assertTrue(answers.size() >= 5, answers::toString);
  }

  @Test
  void temperatureZeroTakesTheLikeliestTokenWhateverTheSeed() {
    Object[] body = {"prompt", "The", "max_tokens", 12};
    String greedy = text(api.ask(PATH, with(body, "temperature", 0)));
    assertEquals(greedy, text(api.ask(PATH, with(body, "temperature", 0, "seed", 5))));
    assertEquals(greedy, text(api.ask(PATH, with(body, "temperature", 2, "top_k", 1))));
    assertEquals(greedy, text(api.ask(PATH, with(body, "temperature", 2, "top_p", 0))));
    assertEquals(greedy, text(api.ask(PATH, with(body, "temperature", 2, "min_p", 1))));
  }

  @Test
  void logitBiasForcesAndBansTokens() {
    int cat = api.tokenize("The cat")[2];
    Object[] body = {"prompt", "The", "max_tokens", 3, "temperature", 0, "logprobs", 0};
    JsonNode forced = api.ask(PATH, with(body, "logit_bias", Map.of(String.valueOf(cat), 100)));
    String piece = forced.at("/choices/0/logprobs/tokens/0").textValue();
    assertEquals(piece.repeat(3), text(forced));

    int likeliest = api.tokenize("The" + text(api.ask(PATH, with(body, "max_tokens", 1))))[2];
    String without =
        text(api.ask(PATH, with(body, "logit_bias", Map.of(String.valueOf(likeliest), -100))));
    assertNotEquals(text(api.ask(PATH, body)), without);
  }

  @Test
  void eosMinTokensAndStopTokensEndAnAnswer() {
    Object[] body = {
      "prompt", "The", "max_tokens", 9, "temperature", 0, "logit_bias", Map.of("2", 100)
    };
    JsonNode ended = api.ask(PATH, body);
    assertEquals("", text(ended));
    assertEquals("stop", ended.at("/choices/0/finish_reason").textValue());
    assertEquals(1, completionTokens(ended));

    JsonNode endless = api.ask(PATH, with(body, "ignore_eos", true));
    assertEquals("length", endless.at("/choices/0/finish_reason").textValue());
    assertEquals(9, completionTokens(endless));

    JsonNode later = api.ask(PATH, with(body, "min_tokens", 5));
    assertEquals("stop", later.at("/choices/0/finish_reason").textValue());
    assertEquals(6, completionTokens(later));
    assertNotEquals("", text(later));

    JsonNode byId =
        api.ask(PATH, with(body, "ignore_eos", true, "stop_token_ids", List.of(EOS, 77)));
    assertEquals("stop", byId.at("/choices/0/finish_reason").textValue());
    assertEquals(1, completionTokens(byId));
  }

  @Test
  void penaltiesChangeTheAnswer() {
    Object[] body = {"prompt", "la la la la la la", "max_tokens", 20, "temperature", 0};
    String plain = text(api.ask(PATH, body));
    assertNotEquals(plain, text(api.ask(PATH, with(body, "repetition_penalty", 1.8))));
    assertNotEquals(plain, text(api.ask(PATH, with(body, "frequency_penalty", 2))));
  }

  @Test
  void nullAndOffValuesAreTaken() {
    for (String name :
        List.of(
            "model",
            "best_of",
            "echo",
            "frequency_penalty",
            "presence_penalty",
            "logit_bias",
            "logprobs",
            "max_tokens",
            "n",
            "seed",
            "stop",
            "stream",
            "stream_options",
            "suffix",
            "temperature",
            "top_p",
            "user",
            "top_k",
            "min_p",
            "typical_p",
            "repetition_penalty",
            "min_tokens",
            "ignore_eos",
            "stop_token_ids",
            "return_token_ids",
            "cache_salt",
            "timings_per_token")) {
      assertEquals(200, api.post(PATH, Api.body("prompt", "A", name, null)).status(), name);
    }
    api.ask(
        PATH,
        "prompt",
        "A",
        "n",
        1,
        "best_of",
        1,
        "suffix",
        "",
        "return_token_ids",
        false,
        "top_k",
        -1,
        "typical_p",
        1,
        "logit_bias",
        Map.of(),
        "stop",
        List.of(),
        "stop_token_ids",
        List.of(),
        "user",
        "someone",
        "metadata",
        Map.of("a", "b"),
        "cache_salt",
        "",
        "min_tokens",
        0);
    api.stream(
        PATH,
        with(new Object[] {"prompt", "A", "stream", true}, "stream_options", JSON_NULL_USAGE));
  }

  /** With log-probabilities, as tokens without text are events then, too. */
  @Test
  void aReaderThatKeepsUpGetsOneEventForEachToken() {
    Object[] body = {"prompt", "Once", "max_tokens", 200, "ignore_eos", true, "seed", 1};
    Sse stream = api.stream(PATH, with(body, "logprobs", 0, "stream", true));
    assertEquals(200, stream.events().size());
    for (JsonNode choice : stream.choices(0)) {
      assertEquals(1, choice.at("/logprobs/tokens").size(), choice::toString);
    }
  }

  @Test
  void parametersWithoutEffectAreTakenAsOpenAiHasThem() {
    Object[] body = {"prompt", "Once", "temperature", 0};
    Object[] more = {
      "user",
      "someone",
      "metadata",
      Map.of("k".repeat(64), "v".repeat(512)),
      "store",
      true,
      "service_tier",
      "flex",
      "safety_identifier",
      "i".repeat(128),
      "prompt_cache_key",
      "key",
      "prompt_cache_retention",
      "24h",
      "prompt_cache_options",
      Map.of("mode", "explicit", "ttl", "30m"),
    };
    assertEquals(text(api.ask(PATH, body)), text(api.ask(PATH, with(body, more))));
  }

  private static final JsonNode JSON_NULL_USAGE =
      Api.JSON.createObjectNode().putNull("include_usage");

  private static void assertUsage(JsonNode answer, int prompt, int completion) {
    JsonNode usage = answer.get("usage");
    assertArrayEquals(
        new int[] {prompt, completion, prompt + completion},
        new int[] {
          usage.get("prompt_tokens").intValue(),
          usage.get("completion_tokens").intValue(),
          usage.get("total_tokens").intValue()
        },
        answer::toString);
  }

  /** One id, time and object throughout. */
  private static void assertOneAnswer(Sse stream, String object) {
    JsonNode first = stream.events().getFirst();
    for (JsonNode event : stream.events()) {
      assertEquals(first.get("id"), event.get("id"));
      assertEquals(first.get("created"), event.get("created"));
      assertEquals(first.get("model"), event.get("model"));
      assertEquals(object, event.get("object").textValue());
    }
  }

  private static void assertSideBySide(JsonNode logprobs) {
    int tokens = logprobs.get("tokens").size();
    assertEquals(tokens, logprobs.get("token_logprobs").size(), logprobs::toString);
    assertEquals(tokens, logprobs.get("top_logprobs").size(), logprobs::toString);
    assertEquals(tokens, logprobs.get("text_offset").size(), logprobs::toString);
    int last = 0;
    for (JsonNode offset : logprobs.get("text_offset")) {
      assertTrue(offset.intValue() >= last, logprobs::toString);
      last = offset.intValue();
    }
  }

  private static void assertPromptLogprobs(JsonNode logprobs, int ids) {
    assertEquals(ids, logprobs.get("tokens").size(), logprobs::toString);
    assertTrue(logprobs.get("token_logprobs").get(0).isNull(), logprobs::toString);
    assertTrue(logprobs.get("top_logprobs").get(0).isNull(), logprobs::toString);
    for (int i = 1; i < ids; i++) {
      assertTrue(logprobs.get("token_logprobs").get(i).doubleValue() < 0, logprobs::toString);
    }
  }

  private static JsonNode joinedLogprobs(List<JsonNode> choices) {
    var joined = Api.JSON.createObjectNode();
    for (String list : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
      ArrayNode all = joined.putArray(list);
      choices.forEach(
          choice ->
              StreamSupport.stream(choice.at("/logprobs/" + list).spliterator(), false)
                  .forEach(all::add));
    }
    return joined;
  }

  private static Object[] with(Object[] body, Object... more) {
    Object[] all = Arrays.copyOf(body, body.length + more.length);
    System.arraycopy(more, 0, all, body.length, more.length);
    return all;
  }

  private static String text(JsonNode answer) {
    return answer.at("/choices/0/text").textValue();
  }

  private static int completionTokens(JsonNode answer) {
    return answer.at("/usage/completion_tokens").intValue();
  }
}
