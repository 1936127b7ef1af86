package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server with one place to run and one to wait; its settings reach the API too. */
@QuarkusTest
@TestProfile(FullQueueTest.SmallQueue.class)
class FullQueueTest {
  private static final String PATH = "/v1/completions";
  private static final Duration SOON = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final String ENDLESS =
      Api.body("prompt", "A", "max_tokens", 11_900, "ignore_eos", true, "stream", true);

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  /** The settings. */
  public static final class SmallQueue implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "tritium.scheduler.max-running", "1",
          "tritium.scheduler.max-waiting", "1",
          "tritium.max-model-len", "12000",
          "tritium.max-body-bytes", "40000",
          "tritium.model-id", "team/small model",
          "tritium.generation-config", "model",
          "tritium.chat-max-tokens", "7");
    }
  }

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri);
  }

  @AfterEach
  void nothingRuns() {
    Api.await("nothing runs", PATIENCE, () -> api.running() == 0 && api.waiting() == 0);
  }

  @Test
  void aRequestThatFindsTheQueueFullIsToldToComeAgain() throws IOException {
    try (Socket running = open();
        Socket waiting = openWaiting()) {
      assertTrue(running.isConnected() && waiting.isConnected());
      for (boolean stream : new boolean[] {false, true}) {
        Answer answer = api.post(PATH, Api.body("prompt", "A", "stream", stream));
        assertEquals(429, answer.status(), answer::toString);
        int seconds = Integer.parseInt(answer.headers().get("retry-after"));
        assertTrue(seconds > 0 && seconds < 60, answer::toString);
        JsonNode error = answer.json().get("error");
        assertEquals(4, error.size(), error::toString);
        assertEquals("rate_limit_error", error.get("type").textValue());
        assertEquals("rate_limit_exceeded", error.get("code").textValue());
        assertTrue(error.get("param").isNull(), error::toString);
      }
      Answer probe = api.get("/q/health/ready");
      assertEquals(503, probe.status(), "others have room");
      assertEquals(
          "the queue is full: 1 prompts wait and at most 1 may",
          probe.json().findPath("reason").textValue(),
          probe::toString);
      assertEquals(200, api.get("/q/health/live").status(), "that is no reason to restart it");
    }
    Api.await("there is room", PATIENCE, () -> api.get("/q/health/ready").status() == 200);
  }

  @ParameterizedTest(name = "streamed: {0}")
  @ValueSource(booleans = {true, false})
  void aClientThatLeavesWhileQueuedIsGoneWithinASecond(boolean stream) throws IOException {
    try (Socket running = open()) {
      Socket queued =
          api.open(PATH, Api.body("prompt", "A", "max_tokens", 11_900, "stream", stream));
      Api.await("it waits", PATIENCE, () -> api.waiting() == 1);
      queued.close();
      Api.await("it is gone from the queue", SOON, () -> api.waiting() == 0);
      assertEquals(1, api.running(), running::toString);
    }
  }

  @Test
  void aQueuedRequestIsAnsweredOnceThereIsAPlace() throws IOException {
    Object[] body = {"prompt", "A", "max_tokens", 3, "temperature", 0};
    JsonNode alone = api.ask(PATH, body).get("choices");
    Socket running = open();
    try (Socket queued = api.open(PATH, Api.body(body))) {
      Api.await("it waits", PATIENCE, () -> api.waiting() == 1);
      running.close();
      String answer = new String(queued.getInputStream().readNBytes(400), StandardCharsets.UTF_8);
      assertTrue(answer.startsWith("HTTP/1.1 200 OK"), answer);
    }
    assertEquals(alone, api.ask(PATH, body).get("choices"));
  }

  @Test
  void moreAnswersThanRunAtOnceAreRefusedByTheSettingsName() {
    for (String param : List.of("n", "best_of")) {
      Answer answer = api.post(PATH, Api.body("prompt", "A", param, 2));
      assertEquals(400, answer.status(), answer::toString);
      assertEquals(param, answer.json().at("/error/param").textValue());
      String message = answer.json().at("/error/message").textValue();
      assertTrue(message.contains("tritium.scheduler.max-running"), message);
    }
  }

  @Test
  void anIdWithASlashIsFoundRawAndEncoded() {
    String model = "team/small model";
    for (String path : List.of("team/small%20model", "team%2Fsmall%20model")) {
      Answer answer = api.get("/v1/models/" + path);
      assertEquals(200, answer.status(), path + " -> " + answer);
      assertEquals(model, answer.json().get("id").textValue());
    }
    JsonNode answer = api.ask(PATH, "model", model, "prompt", "A", "max_tokens", 1);
    assertEquals(model, answer.get("model").textValue());
  }

  @Test
  void theContextMayBeSetAndIsFilledToTheLastToken() {
    JsonNode answer = api.ask(PATH, "prompt", new int[12_000], "max_tokens", 0, "echo", true);
    assertEquals(12_000, answer.at("/usage/prompt_tokens").intValue());
    JsonNode tokenized = api.ask("/tokenize", "prompt", "A");
    assertEquals(12_000, tokenized.get("max_model_len").intValue());
    Answer tooLong =
        api.post(PATH, Api.body("prompt", new int[12_001], "max_tokens", 0, "echo", true));
    assertEquals("context_length_exceeded", tooLong.json().at("/error/code").textValue());
    Answer text = api.post(PATH, Api.body("prompt", "a ".repeat(12_100), "max_tokens", 1));
    assertEquals("context_length_exceeded", text.json().at("/error/code").textValue());
  }

  @Test
  void theLimitOfBodiesMayBeSet() {
    assertEquals(413, api.post(PATH, " ".repeat(40_001)).status());
    assertEquals(400, api.post(PATH, " ".repeat(40_000)).status());
  }

  @Test
  void theModelsOwnSamplingMayBeTheDefault() {
    Object[] body = {"prompt", "The", "max_tokens", 25, "seed", 3};
    JsonNode own = api.ask(PATH, body).get("choices");
    JsonNode same =
        api.ask(PATH, "prompt", "The", "max_tokens", 25, "seed", 3, "temperature", 0.7, "top_k", 40)
            .get("choices");
    assertEquals(same, own);
  }

  @Test
  void theLimitOfAChatAnswerMayBeSet() {
    Object messages = List.of(Map.of("role", "user", "content", "Hi"));
    JsonNode answer = api.ask("/v1/chat/completions", "messages", messages, "ignore_eos", true);
    assertEquals(7, answer.at("/usage/completion_tokens").intValue());
    assertEquals("length", answer.at("/choices/0/finish_reason").textValue());
  }

  private Socket open() throws IOException {
    Socket socket = api.open(PATH, ENDLESS);
    Api.await("it runs", PATIENCE, () -> api.running() == 1 && api.waiting() == 0);
    return socket;
  }

  private Socket openWaiting() throws IOException {
    Socket socket = api.open(PATH, ENDLESS);
    Api.await("it waits", PATIENCE, () -> api.waiting() == 1);
    return socket;
  }
}
