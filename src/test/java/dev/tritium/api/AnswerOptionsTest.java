package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.Sse;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What answers have besides their text: usage so far, token ids, timings. */
@QuarkusTest
class AnswerOptionsTest {
  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";
  private static final Map<String, Boolean> EVERY_CHUNK =
      Map.of("include_usage", true, "continuous_usage_stats", true);

  @TestHTTPResource URI base;
  private Api api;

  @BeforeEach
  void connect() {
    api = Api.ready(base);
  }

  @Test
  void everyChunkHasTheUsageUpToItself() {
    Sse stream =
        api.stream(
            COMPLETIONS,
            "prompt",
            List.of("Once upon a time", "The dog"),
            "n",
            2,
            "seed",
            1,
            "max_tokens",
            12,
            "stream",
            true,
            "stream_options",
            EVERY_CHUNK,
            "return_token_ids",
            true);
    int tokens = 0;
    for (JsonNode event : stream.events()) {
      tokens += event.at("/choices/0/token_ids").size();
      JsonNode usage = event.get("usage");
      assertEquals(tokens, usage.get("completion_tokens").intValue(), event::toString);
      assertEquals(
          tokens + usage.get("prompt_tokens").intValue(), usage.get("total_tokens").intValue());
    }
    assertEquals(48, tokens);
    assertTrue(stream.events().getLast().get("choices").isEmpty());
    assertTrue(stream.events().size() > 40, "one event for each token that shows text");
  }

  @Test
  void everyChunkOfAnAnswerIsPaddedWhereThatIsAskedFor() {
    Map<String, Boolean> options = Map.of("include_obfuscation", true, "include_usage", true);
    List<JsonNode> events = chat("stream_options", options).events();
    for (JsonNode event : events.subList(0, events.size() - 1)) {
      assertTrue(event.has("obfuscation"), event::toString);
    }
    assertFalse(events.getLast().has("obfuscation"), "the chunk of usage");
  }

  @Test
  void aChatStreamHasTheUsageInItsFirstAndLastChunksToo() {
    Sse stream = chat("stream_options", EVERY_CHUNK);
    List<Integer> counts =
        stream.events().stream().map(e -> e.at("/usage/completion_tokens").intValue()).toList();
    assertEquals(0, counts.getFirst());
    assertEquals(10, counts.getLast());
    assertEquals(counts.stream().sorted().toList(), counts);
  }

  @Test
  void theIdsOfACompletionAreThoseThatWereRunAndDrawn() {
    Object[] request = {
      "prompt", List.of("Once upon a time", "The dog"), "n", 2, "seed", 3, "max_tokens", 9
    };
    JsonNode body = api.ask(COMPLETIONS, with(request, "return_token_ids", true));
    Sse stream = api.stream(COMPLETIONS, with(request, "return_token_ids", true, "stream", true));
    for (int c = 0; c < 4; c++) {
      JsonNode choice = body.at("/choices/" + c);
      int[] prompt = api.tokenize(c < 2 ? "Once upon a time" : "The dog");
      assertArrayEquals(prompt, ids(choice.get("prompt_token_ids")));
      int[] answer = ids(choice.get("token_ids"));
      assertEquals(9, answer.length);

      List<JsonNode> chunks = stream.choices(c);
      assertArrayEquals(prompt, ids(chunks.getFirst().get("prompt_token_ids")));
      chunks.stream().skip(1).forEach(chunk -> assertFalse(chunk.has("prompt_token_ids")));
      assertArrayEquals(
          answer,
          chunks.stream()
              .flatMapToInt(chunk -> Arrays.stream(ids(chunk.get("token_ids"))))
              .toArray());
    }
    JsonNode without = api.ask(COMPLETIONS, request);
    assertFalse(without.at("/choices/0").has("token_ids"), without::toString);
    assertFalse(without.at("/choices/0").has("prompt_token_ids"), without::toString);
  }

  @Test
  void theIdsOfAnAnswerBringBackItsTextAndTheTokenThatEndedIt() {
    JsonNode body =
        api.ask(
            COMPLETIONS,
            "prompt",
            "Once upon a time",
            "temperature",
            0,
            "max_tokens",
            9,
            "return_token_ids",
            true);
    int[] ids = ids(body.at("/choices/0/token_ids"));
    JsonNode stopped =
        api.ask(
            COMPLETIONS,
            "prompt",
            "Once upon a time",
            "temperature",
            0,
            "max_tokens",
            9,
            "stop_token_ids",
            List.of(ids[4]),
            "return_token_ids",
            true);
    int[] shorter = ids(stopped.at("/choices/0/token_ids"));
    assertEquals(ids[4], shorter[shorter.length - 1]);
    assertEquals(shorter.length, stopped.at("/usage/completion_tokens").intValue());
    assertEquals("stop", stopped.at("/choices/0/finish_reason").textValue());
  }

  @Test
  void theIdsOfAChatAreBesideItsChoices() {
    Sse stream = chat("return_token_ids", true);
    int[] prompt = ids(stream.events().getFirst().get("prompt_token_ids"));
    stream.events().stream().skip(1).forEach(e -> assertFalse(e.has("prompt_token_ids")));
    List<Integer> ids = new ArrayList<>();
    stream
        .choices(0)
        .forEach(choice -> choice.get("token_ids").forEach(id -> ids.add(id.intValue())));
    assertEquals(10, ids.size());

    JsonNode body = api.ask(CHAT, with(CONVERSATION, "return_token_ids", true));
    assertArrayEquals(prompt, ids(body.get("prompt_token_ids")));
    assertArrayEquals(
        ids.stream().mapToInt(i -> i).toArray(), ids(body.at("/choices/0/token_ids")));
    assertEquals(prompt.length, body.at("/usage/prompt_tokens").intValue());
  }

  @Test
  void timingsCountWhatUsageCounts() {
    JsonNode body =
        api.ask(
            COMPLETIONS, "prompt", "A cat and a dog", "max_tokens", 20, "timings_per_token", true);
    JsonNode timings = body.get("timings");
    assertEquals(body.at("/usage/completion_tokens"), timings.get("predicted_n"));
    assertEquals(
        body.at("/usage/prompt_tokens").intValue(),
        timings.get("cache_n").intValue() + timings.get("prompt_n").intValue());
    double perToken = timings.get("predicted_ms").doubleValue() / 19; // the first is the prompt's
    assertEquals(perToken, timings.get("predicted_per_token_ms").doubleValue(), 1e-9);
    assertEquals(1000 / perToken, timings.get("predicted_per_second").doubleValue(), 1e-6);
    assertTrue(timings.get("prompt_ms").doubleValue() > 0, timings::toString);

    Sse stream = chat("timings_per_token", true);
    double last = 0;
    for (JsonNode event : stream.events()) {
      double now = event.at("/timings/predicted_ms").doubleValue();
      assertTrue(now >= last, stream.events()::toString);
      last = now;
    }
    assertTrue(last > 0, stream.events()::toString);
    assertNull(api.ask(COMPLETIONS, "prompt", "A").get("timings"));
  }

  @Test
  void anAnswerWithoutTokensTookNoTime() {
    JsonNode timings =
        api.ask(
                COMPLETIONS,
                "prompt",
                "A bird and a fish",
                "max_tokens",
                0,
                "echo",
                true,
                "timings_per_token",
                true)
            .get("timings");
    assertEquals(0, timings.get("predicted_n").intValue());
    assertEquals(0, timings.get("predicted_ms").doubleValue());
    assertTrue(timings.get("prompt_ms").doubleValue() > 0, timings::toString);
    assertTrue(timings.get("prompt_per_second").doubleValue() > 0, timings::toString);
  }

  @Test
  void usageInEveryChunkNeedsUsageAtTheEnd() {
    for (Object end :
        new Object[] {
          Map.of("continuous_usage_stats", true),
          Map.of("include_usage", false, "continuous_usage_stats", true)
        }) {
      Answer answer =
          api.post(COMPLETIONS, Api.body("prompt", "A", "stream", true, "stream_options", end));
      assertEquals(400, answer.status(), answer::toString);
      assertEquals(
          "stream_options.continuous_usage_stats",
          answer.json().at("/error/param").textValue(),
          answer::toString);
    }
  }

  private static final Object[] CONVERSATION = {
    "messages", List.of(Map.of("role", "user", "content", "Tell me of a cat")),
    "seed", 5,
    "max_completion_tokens", 10
  };

  private Sse chat(String name, Object value) {
    return api.stream(CHAT, with(CONVERSATION, "stream", true, name, value));
  }

  private static Object[] with(Object[] request, Object... more) {
    List<Object> all = new ArrayList<>(List.of(request));
    all.addAll(List.of(more));
    return all.toArray();
  }

  private static int[] ids(JsonNode array) {
    return Api.JSON.convertValue(array, int[].class);
  }
}
