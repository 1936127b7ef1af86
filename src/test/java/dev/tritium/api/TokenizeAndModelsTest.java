package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The endpoints beside the two that generate, and what every answer has. */
@QuarkusTest
class TokenizeAndModelsTest {
  @TestHTTPResource("/")
  URI uri;

  private Api api;

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri);
  }

  @Test
  void textGoesToIdsAndBackUnchanged() {
    for (String text :
        List.of(
            "Once upon a time", "🎉👩‍🚀 Привет, 世界!", " two  spaces\n\ttab", "{\"a\": 1}", "")) {
      JsonNode tokenized = api.ask("/tokenize", "prompt", text);
      JsonNode ids = tokenized.get("tokens");
      assertEquals(ids.size(), tokenized.get("count").intValue(), text);
      assertEquals(131_072, tokenized.get("max_model_len").intValue());
      assertEquals(1, ids.get(0).intValue(), "the BOS");
      assertEquals(text, api.ask("/detokenize", "tokens", ids).get("prompt").textValue());
      JsonNode bare = api.ask("/tokenize", "prompt", text, "add_special_tokens", false);
      assertEquals(ids.size() - 1, bare.get("count").intValue(), text);
    }
    assertEquals("", api.ask("/detokenize", "tokens", List.of()).get("prompt").textValue());
  }

  @Test
  void messagesAreTokenizedAsTheTemplateWritesThem() {
    Object messages = List.of(Map.of("role", "user", "content", "Hi"));
    JsonNode ids = api.ask("/tokenize", "messages", messages).get("tokens");
    assertEquals(1, ids.get(0).intValue(), "the template's BOS");
    assertEquals("Hi\n", api.ask("/detokenize", "tokens", ids).get("prompt").textValue());
    JsonNode twice =
        api.ask("/tokenize", "messages", messages, "add_special_tokens", true).get("tokens");
    assertEquals(ids.size() + 1, twice.size(), "one BOS of the template, one of the tokenizer");
  }

  @Test
  void theModelIsListedAndFoundByItsId() {
    JsonNode list = api.get("/v1/models").json();
    assertEquals("list", list.get("object").textValue());
    assertEquals(1, list.get("data").size());
    JsonNode model = list.at("/data/0");
    assertEquals("tritium-stories-17m", model.get("id").textValue());
    assertEquals("model", model.get("object").textValue());
    assertTrue(model.get("created").longValue() > 1_700_000_000, model::toString);
    assertTrue(model.get("owned_by").isTextual(), model::toString);
    assertEquals(model, api.get("/v1/models/tritium-stories-17m").json());
    api.ask("/v1/completions", "model", "tritium-stories-17m", "prompt", "A", "max_tokens", 1);
  }

  @Test
  void everyAnswerHasAnIdAndATime() {
    String body = Api.body("prompt", "A", "max_tokens", 1);
    for (Answer answer :
        List.of(
            api.post("/v1/completions", body),
            api.post("/v1/completions", "{"),
            api.get("/v1/models"),
            api.get("/nothing/here"),
            api.get("/q/health/live"))) {
      assertTrue(answer.headers().get("x-request-id").startsWith("req-"), answer::toString);
      assertTrue(answer.headers().get("openai-processing-ms").matches("[0-9]+"), answer::toString);
    }
    assertNotEquals(
        api.get("/v1/models").headers().get("x-request-id"),
        api.get("/v1/models").headers().get("x-request-id"));
  }

  @Test
  void theClientsRequestIdComesBackIfItFitsInALogLine() {
    String mine = "my-id_1/2:3";
    assertEquals(mine, api.get("/v1/models", "x-request-id", mine).headers().get("x-request-id"));
    for (String bad : List.of("two words", "x".repeat(129), "")) {
      String made = api.get("/v1/models", "x-request-id", bad).headers().get("x-request-id");
      assertTrue(made.startsWith("req-"), bad + " -> " + made);
    }
  }

  @Test
  void theBodyAloneDecidesBetweenJsonAndEvents() {
    for (String path : List.of("/v1/completions", "/v1/chat/completions")) {
      for (String accept : List.of("application/json", "text/event-stream", "image/png", "*/*")) {
        for (boolean stream : new boolean[] {false, true}) {
          String body =
              path.contains("chat")
                  ? Api.body(
                      "messages",
                      List.of(Map.of("role", "user", "content", "Hi")),
                      "max_tokens",
                      1,
                      "stream",
                      stream)
                  : Api.body("prompt", "A", "max_tokens", 1, "stream", stream);
          Answer answer = api.post(path, body, "Accept", accept);
          String inputs = path + " " + accept + " " + stream;
          assertEquals(200, answer.status(), inputs);
          assertEquals(
              stream ? "text/event-stream" : "application/json",
              answer.headers().get("content-type"),
              inputs);
          if (stream) {
            assertEquals("no-cache", answer.headers().get("cache-control"), inputs);
            assertEquals("no", answer.headers().get("x-accel-buffering"), inputs);
          }
        }
      }
    }
    assertEquals(200, api.get("/v1/models", "Accept", "text/html").status());
  }

  @Test
  void healthAndMetricsAnswer() {
    for (String check : List.of("live", "ready", "started")) {
      Answer answer = api.get("/q/health/" + check);
      assertEquals(200, answer.status(), check);
      assertEquals("UP", answer.json().get("status").textValue(), check);
    }
    for (String metric :
        List.of(
            "llm_requests_running",
            "llm_requests_waiting",
            "llm_prompt_tokens_total",
            "llm_generated_tokens_total")) {
      assertTrue(api.metric(metric) >= 0, metric);
    }
  }

  @Test
  void tokensAreCountedExactly() {
    double prompt = api.metric("llm_prompt_tokens_total");
    double generated = api.metric("llm_generated_tokens_total");
    api.ask(
        "/v1/completions",
        "prompt",
        List.of(List.of(5, 6, 7), List.of(8, 9)),
        "max_tokens",
        11,
        "ignore_eos",
        true);
    assertEquals(5, api.metric("llm_prompt_tokens_total") - prompt);
    assertEquals(22, api.metric("llm_generated_tokens_total") - generated);
  }
}
