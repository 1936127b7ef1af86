package dev.tritium.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.scheduler.SchedulerLimits;
import dev.tritium.testing.Api;
import dev.tritium.testing.Sse;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that come at the same time, and clients that leave. */
@QuarkusTest
class ManyClientsTest {
  private static final String PATH = "/v1/completions";
  private static final Duration SOON = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri);
  }

  @Test
  void twentyFourRequestsAtOnceAreAnsweredAsEachIsAlone() throws Exception {
    List<String> prompts =
        List.of("Once upon a time", "The 🎉", "", "A very long story. ".repeat(40), "Tom and", "世");
    List<Object[]> requests = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      requests.add(
          new Object[] {
            "prompt",
            prompts.get(i % prompts.size()),
            "seed",
            i,
            "max_tokens",
            20 + i,
            "temperature",
            i % 4 * 0.5,
            "top_k",
            i % 3 * 20,
            "logprobs",
            1,
            "stream",
            i % 2 == 0
          });
    }
    List<String> alone = requests.stream().map(this::answer).toList();
    try (ExecutorService clients = Executors.newFixedThreadPool(24)) {
      for (int round = 0; round < 2; round++) {
        List<Future<String>> together =
            requests.stream().map(request -> clients.submit(() -> answer(request))).toList();
        for (int i = 0; i < 24; i++) {
          String inputs = "round " + round + " " + Api.body(requests.get(i));
          assertEquals(alone.get(i), together.get(i).get(), inputs);
        }
      }
    }
  }

  /** Text, log-probabilities and finish of an answer, plain or streamed. */
  private String answer(Object... body) {
    List<JsonNode> choices = new ArrayList<>();
    if ((boolean) body[body.length - 1]) {
      Sse stream = api.stream(PATH, body);
      choices.addAll(stream.choices(0));
    } else {
      choices.add(api.ask(PATH, body).at("/choices/0"));
    }
    StringBuilder text = new StringBuilder();
    StringBuilder logprobs = new StringBuilder();
    for (JsonNode choice : choices) {
      text.append(choice.get("text").textValue());
      choice.at("/logprobs/token_logprobs").forEach(p -> logprobs.append(p).append(' '));
    }
    return text + "\n" + logprobs + "\n" + choices.getLast().get("finish_reason");
  }

  @Test
  void aPromptOfFiveThousandTokensIsRunWholeWhileAnotherStreamGoesOn() throws Exception {
    int[] ids = new int[5000];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = 300 + i * 31 % 3700;
    }
    String text = api.ask("/detokenize", "tokens", ids).get("prompt").textValue();
    int textTokens = api.tokenize(text).length;
    assertTrue(textTokens > 1000, "tokens of the text: " + textTokens);
    try (Socket other = api.open(PATH, endless(true))) {
      InputStream stream = other.getInputStream();
      stream.readNBytes(2000);
      JsonNode byIds = api.ask(PATH, "prompt", ids, "max_tokens", 2, "ignore_eos", true);
      assertEquals(5000, byIds.at("/usage/prompt_tokens").intValue());
      JsonNode byText = api.ask(PATH, "prompt", text, "max_tokens", 2, "ignore_eos", true);
      assertEquals(textTokens, byText.at("/usage/prompt_tokens").intValue());
      assertEquals(2, byText.at("/usage/completion_tokens").intValue());
      double before = api.metric("llm_generated_tokens_total");
      Api.await("the other stream goes on", PATIENCE, () -> generated() > before + 10);
      stream.readNBytes(2000);
    }
    Api.await("nothing runs", PATIENCE, () -> api.running() == 0);
  }

  @Test
  void theWholeLongPromptReachesTheModel() {
    int[] ids = new int[5000];
    java.util.Arrays.fill(ids, 400);
    ids[4998] = 500;
    Object[] sampling = {"max_tokens", 8, "temperature", 0, "ignore_eos", true, "prompt"};
    String whole = text(sampling, ids);
    ids[0] = 1; // the recurrence has long forgotten this one, but not what comes last
    ids[4998] = 1234;
    assertTrue(!whole.equals(text(sampling, ids)), "the end of the prompt changes the answer");
  }

  private String text(Object[] sampling, int[] ids) {
    Object[] body = java.util.Arrays.copyOf(sampling, sampling.length + 1);
    body[sampling.length] = ids;
    return api.ask(PATH, body).at("/choices/0/text").textValue();
  }

  @ParameterizedTest(name = "streamed: {0}")
  @ValueSource(booleans = {true, false})
  void aClientThatLeavesDuringItsAnswerIsGoneWithinASecond(boolean stream) throws IOException {
    Socket client = api.open(PATH, endless(stream));
    double before = generated();
    Api.await("it generates", PATIENCE, () -> generated() > before + 5);
    if (stream) {
      client.getInputStream().readNBytes(500);
    }
    assertEquals(1, api.running());
    client.close();
    assertGone("streamed: " + stream);
  }

  @ParameterizedTest(name = "streamed: {0}")
  @ValueSource(booleans = {true, false})
  void aClientThatLeavesWhileItSendsItsNextRequestIsGoneWithinASecond(boolean stream)
      throws IOException {
    Socket client = api.open(PATH, endless(stream));
    double before = generated();
    Api.await("it generates", PATIENCE, () -> generated() > before + 5);
    Api.beginAnother(client, PATH);
    Api.await("it generates on", PATIENCE, () -> generated() > before + 50);
    assertEquals(1, api.running());
    client.close();
    assertGone("streamed: " + stream);
  }

  @Test
  void aClientThatLeavesWithoutReadingIsGoneWithinASecond() throws IOException {
    Socket client = api.open(PATH, endless(true));
    double before = generated();
    Api.await("it generates", PATIENCE, () -> generated() > before + 100);
    client.setSoLinger(true, 0); // a reset instead of a goodbye
    client.close();
    assertGone("reset");
  }

  @ParameterizedTest(name = "streamed: {0}")
  @ValueSource(booleans = {true, false})
  void aClientThatLeavesDuringItsPrefillIsGoneWithinASecond(boolean stream) throws IOException {
    api.ask(PATH, "prompt", new int[2000], "max_tokens", 1); // compiled: a cold step takes seconds
    double before = api.metric("llm_prompt_tokens_total");
    int[] ids = new int[131_000];
    Socket client = api.open(PATH, Api.body("prompt", ids, "max_tokens", 1, "stream", stream));
    Api.await("it prefills", PATIENCE, () -> api.metric("llm_prompt_tokens_total") > before + 500);
    assertEquals(1, api.running());
    client.close();
    assertGone("streamed: " + stream);
    double run = api.metric("llm_prompt_tokens_total") - before;
    assertTrue(run < ids.length, run + " prompt tokens were run: the whole prefill");
  }

  @ParameterizedTest(name = "streamed: {0}")
  @ValueSource(booleans = {true, false})
  void aClientThatLeavesWhileItsPromptIsTokenisedIsNotRun(boolean stream) throws Exception {
    double before = api.metric("llm_prompt_tokens_total");
    String text = "Once upon a time ".repeat(12_000); // some tenths of a second to tokenise
    Socket client = api.open(PATH, Api.body("prompt", text, "max_tokens", 1, "stream", stream));
    Thread.sleep(30); // the body is read, its tokens are not there yet
    client.close();
    Thread.sleep(1500);
    assertGone("streamed: " + stream);
    double run = api.metric("llm_prompt_tokens_total") - before;
    assertTrue(run < 5000, run + " prompt tokens were run for nobody");
  }

  @Test
  void aStreamThatIsSilentForLongIsPinged() throws IOException {
    List<Socket> others = new ArrayList<>();
    try {
      for (int i = 0; i < SchedulerLimits.defaults().maxRunning(); i++) {
        others.add(api.open(PATH, endless(true)));
      }
      Api.await("every place is taken", PATIENCE, () -> api.running() == others.size());
      Socket queued = api.open(PATH, endless(true));
      others.add(queued);
      queued.setSoTimeout(20_000);
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(queued.getInputStream(), UTF_8));
      String line = lines.readLine();
      while (line != null && !line.startsWith("data:") && !line.equals(": ping")) {
        line = lines.readLine();
      }
      assertEquals(": ping", line, "what came first, after 5 s in the queue");
    } finally {
      for (Socket socket : others) {
        socket.close();
      }
    }
    Api.await("nothing runs", PATIENCE, () -> api.running() == 0 && api.waiting() == 0);
  }

  @Test
  void clientsThatLeaveInACrowdAreGoneAndTheOthersStay() throws Exception {
    Object[] body = {"prompt", "Once", "max_tokens", 60, "seed", 1, "stream", true};
    String alone = api.stream(PATH, body).text(0);
    List<Socket> leaving = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      leaving.add(api.open(PATH, endless(i % 2 == 0)));
    }
    Api.await("all run", PATIENCE, () -> api.running() == 12);
    try (ExecutorService clients = Executors.newSingleThreadExecutor()) {
      Future<String> staying = clients.submit(() -> api.stream(PATH, body).text(0));
      for (Socket client : leaving) {
        client.close();
      }
      assertEquals(alone, staying.get());
    }
    assertGone("crowd");
  }

  private static String endless(boolean stream) {
    return Api.body(
        "prompt", "Once", "max_tokens", 100_000, "ignore_eos", true, "stream", stream, "seed", 1);
  }

  private double generated() {
    return api.metric("llm_generated_tokens_total");
  }

  private void assertGone(String inputs) {
    Api.await(
        "gone from llm_requests_running, " + inputs,
        SOON,
        () -> api.running() == 0 && api.waiting() == 0);
    double generated = generated();
    double prompt = api.metric("llm_prompt_tokens_total");
    try {
      Thread.sleep(100);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    assertEquals(generated, generated(), "tokens generated after it left, " + inputs);
    assertEquals(prompt, api.metric("llm_prompt_tokens_total"), "prompt tokens, " + inputs);
  }
}
