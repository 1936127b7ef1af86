package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Sse;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code POST /v1/chat/completions} of the bundled model. */
@QuarkusTest
class ChatCompletionsTest {
  private static final String PATH = "/v1/chat/completions";
  private static final List<Map<String, String>> HELLO =
      List.of(
          Map.of("role", "system", "content", "A story."),
          Map.of("role", "user", "content", "Once upon a time 🎉"));

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri);
  }

  @Test
  void anAnswerHasOpenAisShape() {
    JsonNode answer = api.ask(PATH, "messages", HELLO, "max_tokens", 5, "ignore_eos", true);
    assertTrue(answer.get("id").textValue().startsWith("chatcmpl-"), answer::toString);
    assertEquals("chat.completion", answer.get("object").textValue());
    assertEquals("assistant", answer.at("/choices/0/message/role").textValue());
    assertFalse(answer.at("/choices/0/message/content").textValue().isEmpty());
    assertTrue(answer.at("/choices/0/message/refusal").isNull(), answer::toString);
    assertTrue(answer.at("/choices/0/logprobs").isNull(), answer::toString);
    assertEquals("length", answer.at("/choices/0/finish_reason").textValue());
    assertEquals(5, answer.at("/usage/completion_tokens").intValue());
    assertEquals(promptIds().size(), answer.at("/usage/prompt_tokens").intValue());
  }

  @Test
  void theModelsTemplateWritesThePrompt() {
    JsonNode ids = promptIds();
    assertEquals(1, ids.get(0).intValue(), "the BOS that the template writes");
    assertTrue(ids.get(1).intValue() != 1, "a second BOS: " + ids);
    Object[] sampling = {"temperature", 0, "max_tokens", 20};
    String chat =
        api.ask(PATH, with(sampling, "messages", HELLO))
            .at("/choices/0/message/content")
            .textValue();
    String completion =
        api.ask("/v1/completions", with(sampling, "prompt", ids)).at("/choices/0/text").textValue();
    assertEquals(completion, chat);
  }

  @Test
  void aStreamBeginsWithTheRoleAndEndsWithTheFinish() {
    for (int seed = 0; seed < 3; seed++) {
      Object[] body = {"messages", HELLO, "seed", seed, "max_completion_tokens", 30};
      JsonNode plain = api.ask(PATH, body);
      Sse stream = api.stream(PATH, with(body, "stream", true));
      List<JsonNode> events = stream.events();
      String inputs = "seed " + seed + ": " + events;
      JsonNode role = Api.JSON.createObjectNode().put("role", "assistant").put("content", "");
      assertEquals(role, events.getFirst().at("/choices/0/delta"), inputs);
      assertEquals(0, events.getLast().at("/choices/0/delta").size(), inputs);
      for (JsonNode event : events.subList(1, events.size() - 1)) {
        assertEquals(1, event.at("/choices/0/delta").size(), inputs);
        assertFalse(event.at("/choices/0/delta/content").textValue().isEmpty(), inputs);
      }
      for (JsonNode event : events) {
        assertEquals(events.getFirst().get("id"), event.get("id"), inputs);
        assertEquals(events.getFirst().get("created"), event.get("created"), inputs);
        assertEquals("chat.completion.chunk", event.get("object").textValue(), inputs);
        assertEquals(1, event.get("choices").size(), inputs);
        assertFalse(event.has("usage"), inputs);
      }
      assertEquals(
          plain.at("/choices/0/finish_reason").textValue(), stream.finishReason(0), inputs);
      assertEquals(plain.at("/choices/0/message/content").textValue(), stream.content(), inputs);
    }
  }

  @Test
  void usageComesAfterTheFinishWhenItIsAskedFor() {
    Sse stream =
        api.stream(
            PATH,
            "messages",
            HELLO,
            "max_tokens",
            6,
            "ignore_eos",
            true,
            "stream",
            true,
            "stream_options",
            Map.of("include_usage", true));
    List<JsonNode> events = stream.events();
    for (JsonNode event : events.subList(0, events.size() - 1)) {
      assertTrue(event.has("usage") && event.get("usage").isNull(), event::toString);
    }
    JsonNode usage = events.getLast();
    assertEquals(0, usage.get("choices").size(), usage::toString);
    assertEquals(6, usage.at("/usage/completion_tokens").intValue(), usage::toString);
    assertEquals(promptIds().size() + 6, usage.at("/usage/total_tokens").intValue());
    int cachedTokens = usage.at("/usage/prompt_tokens_details/cached_tokens").asInt(-1);
    assertTrue(cachedTokens >= 0 && cachedTokens < promptIds().size(), usage::toString);
    assertEquals("length", stream.finishReason(0));
  }

  @Test
  void logprobsHaveAnEntryWithBytesForEachToken() {
    Object[] body = {
      "messages", HELLO, "max_tokens", 15, "temperature", 0, "logprobs", true, "top_logprobs", 20
    };
    JsonNode choice = api.ask(PATH, body).at("/choices/0");
    JsonNode entries = choice.at("/logprobs/content");
    assertTrue(choice.get("logprobs").has("refusal"), choice::toString);
    StringBuilder text = new StringBuilder();
    for (JsonNode entry : entries) {
      String token = entry.get("token").textValue();
      assertEquals(20, entry.get("top_logprobs").size(), entry::toString);
      JsonNode likeliest = entry.get("top_logprobs").get(0);
      assertEquals(token, likeliest.get("token").textValue(), entry::toString);
      assertEquals(entry.get("logprob"), likeliest.get("logprob"), entry::toString);
      byte[] bytes = new byte[entry.get("bytes").size()];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) entry.get("bytes").get(i).intValue();
      }
      assertEquals(token, new String(bytes, StandardCharsets.UTF_8), entry::toString);
      text.append(token);
    }
    assertEquals(choice.at("/message/content").textValue(), text.toString());

    List<JsonNode> streamed = new ArrayList<>();
    for (JsonNode chunk : api.stream(PATH, with(body, "stream", true)).choices(0)) {
      chunk.at("/logprobs/content").forEach(streamed::add);
    }
    assertEquals(entries.valueStream().toList(), streamed);

    JsonNode none =
        api.ask(PATH, "messages", HELLO, "max_tokens", 3, "logprobs", true, "ignore_eos", true);
    assertEquals(3, none.at("/choices/0/logprobs/content").size());
    assertEquals(0, none.at("/choices/0/logprobs/content/0/top_logprobs").size());
  }

  @Test
  void partsAreJoinedAndDeveloperMeansSystem() {
    String expected = Api.json(promptIds());
    Object parts =
        List.of(
            Map.of("type", "text", "text", "Once upon "),
            Map.of("type", "text", "text", "a time 🎉"));
    List<Object> conversation =
        List.of(
            Map.of("role", "developer", "content", "A story."),
            Map.of("role", "user", "content", parts, "name", "somebody"));
    assertEquals(expected, Api.json(api.ask("/tokenize", "messages", conversation).get("tokens")));
    Object turns =
        List.of(
            Map.of("role", "user", "content", "Hi"),
            Map.of("role", "assistant", "content", "Ho", "tool_calls", List.of()),
            Map.of("role", "tool", "content", "5", "tool_call_id", "call-1"),
            Map.of("role", "assistant", "content", "{}", "parsed", Map.of()),
            Map.of("role", "user", "content", "Hi"));
    assertNotNull(api.ask(PATH, "messages", turns, "max_tokens", 1).get("choices"));
  }

  @Test
  void anAnswerWithoutALimitEndsAtTheServersDefault() {
    JsonNode answer = api.ask(PATH, "messages", HELLO, "ignore_eos", true);
    assertEquals(512, answer.at("/usage/completion_tokens").intValue());
    assertEquals("length", answer.at("/choices/0/finish_reason").textValue());
  }

  @Test
  void stopStringsEndAnAnswerAndItsStream() {
    Object[] body = {"messages", HELLO, "temperature", 0, "max_tokens", 30};
    String whole = api.ask(PATH, body).at("/choices/0/message/content").textValue();
    String stop = whole.substring(9, 14);
    String expected = whole.substring(0, whole.indexOf(stop));
    JsonNode plain = api.ask(PATH, with(body, "stop", stop));
    assertEquals(expected, plain.at("/choices/0/message/content").textValue());
    Sse stream = api.stream(PATH, with(body, "stop", stop, "stream", true));
    assertEquals(expected, stream.content());
    assertEquals("stop", stream.finishReason(0));
  }

  @Test
  void nullAndOffValuesAreTaken() {
    for (String name :
        List.of(
            "model",
            "max_tokens",
            "max_completion_tokens",
            "logprobs",
            "top_logprobs",
            "n",
            "stop",
            "response_format",
            "tools",
            "tool_choice",
            "functions",
            "function_call",
            "modalities",
            "audio",
            "prediction",
            "reasoning_effort",
            "verbosity",
            "web_search_options",
            "store",
            "metadata",
            "service_tier",
            "safety_identifier",
            "prompt_cache_key",
            "user",
            "parallel_tool_calls",
            "stream",
            "stream_options",
            "seed",
            "logit_bias")) {
      String limit = name.equals("max_tokens") ? "max_completion_tokens" : "max_tokens";
      String body = Api.body("messages", HELLO, limit, 1, name, null);
      assertEquals(200, api.post(PATH, body).status(), name);
    }
    api.ask(
        PATH,
        "messages",
        HELLO,
        "max_tokens",
        1,
        "n",
        1,
        "tools",
        List.of(),
        "tool_choice",
        "none",
        "response_format",
        Map.of("type", "text"),
        "store",
        false,
        "parallel_tool_calls",
        true,
        "logprobs",
        false,
        "top_logprobs",
        0,
        "modalities",
        List.of("text"),
        "user",
        "someone");
  }

  private JsonNode promptIds() {
    return api.ask("/tokenize", "messages", HELLO).get("tokens");
  }

  private static Object[] with(Object[] body, Object... more) {
    Object[] all = java.util.Arrays.copyOf(body, body.length + more.length);
    System.arraycopy(more, 0, all, body.length, more.length);
    return all;
  }
}
