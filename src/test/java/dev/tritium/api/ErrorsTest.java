package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every bad request is refused with OpenAI's error JSON, and the server is well afterwards. */
@QuarkusTest
class ErrorsTest {
  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri);
  }

  @AfterEach
  void theServerIsWell() {
    assertEquals(200, api.get("/q/health").status());
    assertEquals(200, api.post(COMPLETIONS, "{\"prompt\":\"A\",\"max_tokens\":1}").status());
    Api.await("nothing runs", java.time.Duration.ofSeconds(2), () -> api.running() == 0);
  }

  /** A parameter of completions in JSON, and the param that the error names. */
  static Stream<Arguments> badCompletionParameters() {
    return Stream.of(
        arguments("n", "0", "n"),
        arguments("n", "-1", "n"),
        arguments("n", "129", "n"),
        arguments("n", "2147483648", "n"),
        arguments("n", "99999999999999999999999999", "n"),
        arguments("n", "1e308", "n"),
        arguments("n", "1.5", "n"),
        arguments("n", "\"1\"", "n"),
        arguments("n", "true", "n"),
        arguments("n", "[1]", "n"),
        arguments("n", "{}", "n"),
        arguments("n", "NaN", null),
        arguments("n", "128", "n"),
        arguments("best_of", "-1", "best_of"),
        arguments("best_of", "21", "best_of"),
        arguments("best_of", "2147483648", "best_of"),
        arguments("best_of", "99999999999999999999999999", "best_of"),
        arguments("best_of", "1e308", "best_of"),
        arguments("best_of", "1.5", "best_of"),
        arguments("best_of", "\"1\"", "best_of"),
        arguments("best_of", "true", "best_of"),
        arguments("best_of", "[1]", "best_of"),
        arguments("best_of", "{}", "best_of"),
        arguments("best_of", "NaN", null),
        arguments("suffix", "\"end\"", "suffix"),
        arguments("return_token_ids", "1", "return_token_ids"),
        arguments("timings_per_token", "\"yes\"", "timings_per_token"),
        arguments("n_predict", "8", "n_predict"),
        arguments("guided_json", "{}", "guided_json"),
        arguments("repeat_penalty", "1.1", "repeat_penalty"),
        arguments("cache_salt", "5", "cache_salt"),
        arguments("cache_salt", "true", "cache_salt"),
        arguments("cache_salt", "[\"s\"]", "cache_salt"),
        arguments("cache_salt", "{}", "cache_salt"),
        arguments("cache_salt", "NaN", null),
        arguments("cache_salt", Api.json("s".repeat(257)), "cache_salt"),
        arguments("max_tokens", "-1", "max_tokens"),
        arguments("max_tokens", "0", "max_tokens"),
        arguments("max_tokens", "2147483648", "max_tokens"),
        arguments("max_tokens", "99999999999999999999999999", "max_tokens"),
        arguments("max_tokens", "1" + "0".repeat(900), "max_tokens"),
        arguments("max_tokens", "1e308", "max_tokens"),
        arguments("max_tokens", "1e999999999", "max_tokens"),
        arguments("max_tokens", "1.5", "max_tokens"),
        arguments("max_tokens", "\"5\"", "max_tokens"),
        arguments("max_tokens", "true", "max_tokens"),
        arguments("max_tokens", "[5]", "max_tokens"),
        arguments("max_tokens", "{}", "max_tokens"),
        arguments("max_tokens", "NaN", null),
        arguments("max_tokens", "Infinity", null),
        arguments("max_tokens", "1" + "0".repeat(2000), null),
        arguments("max_completion_tokens", "5", "max_completion_tokens"),
        arguments("messages", "[]", "messages"),
        arguments("min_tokens", "-1", "min_tokens"),
        arguments("min_tokens", "17", "min_tokens"),
        arguments("logprobs", "6", "logprobs"),
        arguments("logprobs", "-1", "logprobs"),
        arguments("logprobs", "true", "logprobs"),
        arguments("echo", "1", "echo"),
        arguments("stream", "\"true\"", "stream"),
        arguments("stream_options", "{\"include_usage\":true}", "stream_options"),
        arguments("temperature", "-0.1", "temperature"),
        arguments("temperature", "2.1", "temperature"),
        arguments("temperature", "1e308", "temperature"),
        arguments("temperature", "\"hot\"", "temperature"),
        arguments("top_p", "1.1", "top_p"),
        arguments("top_p", "-1", "top_p"),
        arguments("top_k", "-2", "top_k"),
        arguments("top_k", "1.5", "top_k"),
        arguments("min_p", "2", "min_p"),
        arguments("typical_p", "0", "typical_p"),
        arguments("repetition_penalty", "0", "repetition_penalty"),
        arguments("presence_penalty", "2.5", "presence_penalty"),
        arguments("frequency_penalty", "-2.5", "frequency_penalty"),
        arguments("seed", "9223372036854775808", "seed"),
        arguments("seed", "1.5", "seed"),
        arguments("ignore_eos", "\"no\"", "ignore_eos"),
        arguments("stop", "\"\"", "stop"),
        arguments("stop", "[\"a\",\"\"]", "stop"),
        arguments("stop", "[1]", "stop"),
        arguments("stop", "5", "stop"),
        arguments("stop", "{}", "stop"),
        arguments("stop", "[\"a\",\"b\",\"c\",\"d\",\"e\"]", "stop"),
        arguments("stop", Api.json(Collections.nCopies(10_000, "x")), "stop"),
        arguments("stop", "\"\\ud800\"", "stop"),
        arguments("stop", "[\"a\",\"x\\udc00y\"]", "stop"),
        arguments("stop_token_ids", "[4096]", "stop_token_ids"),
        arguments("stop_token_ids", "[-1]", "stop_token_ids"),
        arguments("stop_token_ids", "5", "stop_token_ids"),
        arguments("stop_token_ids", Api.json(Collections.nCopies(1025, 5)), "stop_token_ids"),
        arguments("logit_bias", "{\"4096\":1}", "logit_bias"),
        arguments("logit_bias", "{\"-1\":1}", "logit_bias"),
        arguments("logit_bias", "{\"cat\":1}", "logit_bias"),
        arguments("logit_bias", "{\"\":1}", "logit_bias"),
        arguments("logit_bias", "{\"5\":1,\"05\":2}", "logit_bias"),
        arguments("logit_bias", "{\"99999999999999999999\":1}", "logit_bias"),
        arguments("logit_bias", "{\"5\":101}", "logit_bias"),
        arguments("logit_bias", "{\"5\":\"1\"}", "logit_bias"),
        arguments("logit_bias", "{\"5\":null}", "logit_bias"),
        arguments("logit_bias", "[1]", "logit_bias"),
        arguments("logit_bias", biases(1025), "logit_bias"),
        arguments("logit_bias", biases(40_000), "logit_bias"),
        arguments("logit_bias", biases(50_000), null), // more names than a body may have
        arguments("tools", "[]", "tools"),
        arguments("no_such_parameter", "1", "no_such_parameter"),
        arguments("no_such_parameter", "null", "no_such_parameter"),
        arguments("Temperature", "1", "Temperature"),
        arguments("x".repeat(5000), "1", "x".repeat(100) + "..."),
        arguments("model", "5", "model"));
  }

  /** A parameter without effect in JSON, of which OpenAI takes no such value. */
  static Stream<Arguments> badParametersWithoutEffect() {
    String names =
        IntStream.range(0, 17)
            .mapToObj("\"k%d\":\"v\""::formatted)
            .collect(Collectors.joining(","));
    return Stream.of(
        arguments("user", "5"),
        arguments("user", "{}"),
        arguments("metadata", "\"a\""),
        arguments("metadata", "[]"),
        arguments("metadata", "{\"a\":1}"),
        arguments("metadata", "{\"a\":null}"),
        arguments("metadata", "{\"a\":{}}"),
        arguments("metadata", "{%s}".formatted(names)),
        arguments("metadata", "{\"%s\":\"v\"}".formatted("k".repeat(65))),
        arguments("metadata", "{\"k\":\"%s\"}".formatted("v".repeat(513))),
        arguments("store", "\"true\""),
        arguments("store", "1"),
        arguments("service_tier", "\"slow\""),
        arguments("service_tier", "true"),
        arguments("safety_identifier", "5"),
        arguments("safety_identifier", Api.json("i".repeat(129))),
        arguments("prompt_cache_key", "5"),
        arguments("prompt_cache_retention", "\"1h\""),
        arguments("prompt_cache_retention", "24"),
        arguments("prompt_cache_options", "\"30m\""),
        arguments("prompt_cache_options", "{\"mode\":\"none\"}"),
        arguments("prompt_cache_options", "{\"ttl\":30}"),
        arguments("prompt_cache_options", "{\"size\":1}"));
  }

  @ParameterizedTest(name = "{0} = {1}")
  @MethodSource("badParametersWithoutEffect")
  void aBadParameterWithoutEffectIsNamedToo(String name, String value) {
    String completion = "{\"prompt\":\"A\",\"%s\":%s}".formatted(name, value);
    assertError(400, null, name, api.post(COMPLETIONS, completion), name + " " + start(value));
    String chat =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"%s\":%s}".formatted(name, value);
    assertError(400, null, name, api.post(CHAT, chat), name + " " + start(value));
  }

  private static String biases(int count) {
    return IntStream.range(0, count)
        .mapToObj(id -> "\"" + id + "\":1")
        .collect(Collectors.joining(",", "{", "}"));
  }

  @ParameterizedTest(name = "{0}, param {2}")
  @MethodSource("badCompletionParameters")
  void aBadParameterOfCompletionsIsNamed(String name, String value, String param) {
    String body = "{\"prompt\":\"A\",\"%s\":%s}".formatted(name, value);
    assertError(400, null, param, api.post(COMPLETIONS, body), name + " " + start(value));
  }

  @Test
  void moreAnswersThanARequestMayHaveAreRefused() {
    List<String> prompts = Collections.nCopies(65, "A");
    Answer many = api.post(COMPLETIONS, Api.body("prompt", prompts, "n", 2));
    assertError(400, null, "n", many, "130 answers");
    Answer fewer = api.post(COMPLETIONS, Api.body("prompt", "A", "n", 3, "best_of", 2));
    assertError(400, null, "best_of", fewer, "the 3 best of 2");
    Answer stream = api.post(COMPLETIONS, Api.body("prompt", "A", "best_of", 2, "stream", true));
    assertError(400, null, "best_of", stream, "best_of streamed");
  }

  static Stream<Arguments> badPrompts() {
    return Stream.of(
        arguments("[]"),
        arguments("5"),
        arguments("true"),
        arguments("{}"),
        arguments("null"),
        arguments("[[]]"),
        arguments("[[1],[]]"),
        arguments("[null]"),
        arguments("[1,\"a\"]"),
        arguments("[\"a\",1]"),
        arguments("[[1],\"a\"]"),
        arguments("[[[1]]]"),
        arguments("[4096]"),
        arguments("[-1]"),
        arguments("[1.5]"),
        arguments("[2147483648]"),
        arguments("[1e3]"),
        arguments("\"\\ud800\""),
        arguments("\"a\\udfffb\""),
        arguments("[\"a\",\"\\ud83c\"]"),
        arguments(Api.json(Collections.nCopies(129, "a"))));
  }

  @ParameterizedTest
  @MethodSource("badPrompts")
  void aBadPromptIsNamed(String prompt) {
    Answer answer = api.post(COMPLETIONS, "{\"prompt\":%s}".formatted(prompt));
    assertError(400, null, "prompt", answer, start(prompt));
  }

  /** A parameter of chat in JSON, and the param that the error names. */
  static Stream<Arguments> badChatParameters() {
    return Stream.of(
        arguments("n", "0", "n"),
        arguments("n", "-1", "n"),
        arguments("n", "129", "n"),
        arguments("n", "2147483648", "n"),
        arguments("n", "1e308", "n"),
        arguments("n", "\"1\"", "n"),
        arguments("cache_salt", "5", "cache_salt"),
        arguments("cache_salt", Api.json("s".repeat(257)), "cache_salt"),
        arguments("max_tokens", "0", "max_tokens"),
        arguments("max_completion_tokens", "0", "max_completion_tokens"),
        arguments("max_completion_tokens", "-1", "max_completion_tokens"),
        arguments("top_logprobs", "3", "top_logprobs"),
        arguments("top_logprobs", "21", "top_logprobs"),
        arguments("logprobs", "3", "logprobs"),
        arguments("tools", "[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]", "tools"),
        arguments("tool_choice", "\"required\"", "tool_choice"),
        arguments("functions", "[{\"name\":\"f\"}]", "functions"),
        arguments("modalities", "[\"audio\"]", "modalities"),
        arguments("parallel_tool_calls", "\"yes\"", "parallel_tool_calls"),
        arguments("audio", "{}", "audio"),
        arguments("prediction", "{}", "prediction"),
        arguments("reasoning_effort", "\"high\"", "reasoning_effort"),
        arguments("web_search_options", "{}", "web_search_options"),
        arguments("prompt", "\"A\"", "prompt"),
        arguments("echo", "true", "echo"),
        arguments("best_of", "1", "best_of"),
        arguments("no_such_parameter", "1", "no_such_parameter"));
  }

  @ParameterizedTest(name = "{0} = {1}")
  @MethodSource("badChatParameters")
  void aBadParameterOfChatIsNamed(String name, String value, String param) {
    String body =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"%s\":%s}".formatted(name, value);
    assertError(400, null, param, api.post(CHAT, body), name + " " + value);
  }

  static Stream<Arguments> badMessages() {
    return Stream.of(
        arguments("null", "messages"),
        arguments("[]", "messages"),
        arguments("\"Hi\"", "messages"),
        arguments("[\"Hi\"]", "messages[0]"),
        arguments("[null]", "messages[0]"),
        arguments("[{\"content\":\"Hi\"}]", "messages[0].role"),
        arguments("[{\"role\":\"king\",\"content\":\"Hi\"}]", "messages[0].role"),
        arguments("[{\"role\":5,\"content\":\"Hi\"}]", "messages[0].role"),
        arguments("[{\"role\":\"user\"}]", "messages[0].content"),
        arguments("[{\"role\":\"user\",\"content\":5}]", "messages[0].content"),
        arguments("[{\"role\":\"user\",\"content\":[]}]", "messages[0].content"),
        arguments("[{\"role\":\"user\",\"content\":[\"Hi\"]}]", "messages[0].content"),
        arguments("[{\"role\":\"tool\",\"content\":\"5\"}]", "messages[0].tool_call_id"),
        arguments(
            "[{\"role\":\"tool\",\"content\":\"5\",\"tool_call_id\":null}]",
            "messages[0].tool_call_id"),
        arguments(
            "[{\"role\":\"tool\",\"content\":\"5\",\"tool_call_id\":5}]",
            "messages[0].tool_call_id"),
        arguments(
            "[{\"role\":\"user\",\"content\":\"5\",\"tool_call_id\":\"a\"}]",
            "messages[0].tool_call_id"),
        arguments(
            "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}]",
            "messages[0].content"),
        arguments(
            "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\","
                + "\"cache_control\":{\"type\":\"ephemeral\"}}]}]",
            "messages[0].content.cache_control"),
        arguments(
            "[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Ho\","
                + "\"tool_calls\":[{}]}]",
            "messages[1].tool_calls"),
        arguments("[{\"role\":\"user\",\"content\":\"Hi\",\"parsed\":{}}]", "messages[0].parsed"),
        arguments("[{\"role\":\"user\",\"content\":\"\\udc00\"}]", "messages"));
  }

  @ParameterizedTest
  @MethodSource("badMessages")
  void aBadMessageIsNamed(String messages, String param) {
    Answer answer = api.post(CHAT, "{\"messages\":%s}".formatted(messages));
    assertError(400, null, param, answer, messages);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "[]",
        "5",
        "null",
        "\"text\"",
        "{\"prompt\":\"A\"} x",
        "{\"prompt\":\"A\"}{}",
        "{\"prompt\":\"A\",\"prompt\":\"B\"}",
        "{\"prompt\":\"A\",}",
        "{'prompt':'A'}",
        "{\"prompt\":\"A\"/**/}",
        "{\"prompt\":\"A\\x\"}",
        "{\"prompt\":\"line\nbreak\"}"
      })
  void aBodyThatIsNotOneJsonObjectIsRefused(String body) {
    for (String path : List.of(COMPLETIONS, CHAT, "/tokenize", "/detokenize")) {
      assertError(400, null, null, api.post(path, body), path + " " + body);
    }
  }

  @Test
  void deepJsonIsRefused() {
    String open = "[".repeat(100_000);
    assertError(400, null, null, api.post(COMPLETIONS, "{\"prompt\":" + open), "arrays");
    String objects = "{\"prompt\":".repeat(100_000);
    assertError(400, null, null, api.post(COMPLETIONS, objects), "objects");
    String closed = "{\"prompt\":" + open + "]".repeat(100_000) + "}";
    assertError(400, null, null, api.post(COMPLETIONS, closed), "closed arrays");
  }

  @Test
  void aBodyThatIsNotUtf8IsRefused() {
    byte[] body = "{\"prompt\":\"é\"}".getBytes(StandardCharsets.ISO_8859_1);
    assertError(400, null, null, post(BodyPublishers.ofByteArray(body)), "ISO 8859-1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"text/plain", "application/x-www-form-urlencoded", "nonsense"})
  void aBodyOfAnotherTypeIsRefused(String type) {
    for (String path : List.of(COMPLETIONS, CHAT, "/tokenize", "/detokenize")) {
      Answer answer =
          api.send(
              api.request(path, "Content-Type", type)
                  .POST(BodyPublishers.ofString("{\"prompt\":\"A\"}"))
                  .build());
      assertError(415, "unsupported_media_type", null, answer, path + " " + type);
    }
  }

  @Test
  void aCompressedBodyIsRefusedWithoutBeingUnpacked() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write("{\"prompt\":\"A\"}".getBytes(StandardCharsets.UTF_8));
    }
    for (String coding : List.of("gzip", "deflate", "br")) {
      Answer answer =
          post(BodyPublishers.ofByteArray(bytes.toByteArray()), "Content-Encoding", coding);
      assertError(415, "unsupported_media_type", null, answer, coding);
    }
    String plain = "{\"prompt\":\"A\",\"max_tokens\":1}";
    assertEquals(
        200, post(BodyPublishers.ofString(plain), "Content-Encoding", "identity").status());
  }

  @ParameterizedTest
  @ValueSource(ints = {11_000_000, 70_000_000})
  void aLargeBodyIsRefusedByItsLengthAndByItsBytes(int size) {
    byte[] bytes = new byte[size];
    java.util.Arrays.fill(bytes, (byte) ' ');
    Answer declared = post(BodyPublishers.ofByteArray(bytes));
    assertError(413, "body_too_large", null, declared, size + " bytes, declared");
    BodyPublisher chunked = BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes));
    assertError(413, "body_too_large", null, post(chunked), size + " bytes, in chunks");
  }

  @Test
  void aBodyOfExactlyTheLimitIsRead() {
    String body = "{\"prompt\":\"A\",\"max_tokens\":1}";
    byte[] padded =
        (body + " ".repeat(10_485_760 - body.length())).getBytes(StandardCharsets.UTF_8);
    assertEquals(200, post(BodyPublishers.ofByteArray(padded)).status());
    assertEquals(
        200, post(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(padded))).status());
  }

  @Test
  void aPromptLongerThanTheServerTakesIsRefused() {
    int[] ids = new int[131_073];
    Answer byIds = api.post(COMPLETIONS, Api.body("prompt", ids));
    assertError(400, "context_length_exceeded", "prompt", byIds, "131,073 ids");
    String text = "a ".repeat(5_000_000);
    Answer byText = api.post(COMPLETIONS, Api.body("prompt", text));
    assertError(400, "context_length_exceeded", "prompt", byText, "10 MB of text");
    Object messages = List.of(Map.of("role", "user", "content", text));
    Answer chat = api.post(CHAT, Api.body("messages", messages));
    assertError(400, "context_length_exceeded", "messages", chat, "10 MB of chat");
    Answer tokenize = api.post("/tokenize", Api.body("prompt", text));
    assertError(400, "context_length_exceeded", "prompt", tokenize, "10 MB to tokenise");
  }

  @Test
  void anAnswerThatWouldNotFitBesideThePromptIsRefused() {
    int[] ids = new int[31];
    Answer answer = api.post(COMPLETIONS, Api.body("prompt", ids, "max_tokens", 131_042));
    assertError(400, "context_length_exceeded", "max_tokens", answer, "one token too many");
    Answer most = api.post(COMPLETIONS, Api.body("prompt", ids, "max_tokens", Integer.MAX_VALUE));
    assertError(400, "context_length_exceeded", "max_tokens", most, "2^31 - 1");
    Object messages = List.of(Map.of("role", "user", "content", "Hi"));
    Answer chat = api.post(CHAT, Api.body("messages", messages, "max_completion_tokens", 131_072));
    assertError(400, "context_length_exceeded", "max_completion_tokens", chat, "chat");
  }

  @Test
  void twoLimitsOfOneChatAnswerAreRefused() {
    Object messages = List.of(Map.of("role", "user", "content", "Hi"));
    Answer answer =
        api.post(CHAT, Api.body("messages", messages, "max_tokens", 5, "max_completion_tokens", 5));
    assertError(400, null, "max_tokens", answer, "both limits");
  }

  @Test
  void unknownStreamOptionsAreNamed() {
    Map<String, Boolean> unknown = Map.of("speed", true);
    Answer answer =
        api.post(COMPLETIONS, Api.body("prompt", "A", "stream", true, "stream_options", unknown));
    assertError(400, null, "stream_options.speed", answer, "unknown option");
    Map<String, Integer> wrong = Map.of("include_usage", 1);
    answer =
        api.post(COMPLETIONS, Api.body("prompt", "A", "stream", true, "stream_options", wrong));
    assertError(400, null, "stream_options.include_usage", answer, "option of another type");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt-4", "../", "..", "%2e%2e", "/etc/passwd", "a\u0000b", "", "x/y", "🎉"})
  void aModelThatIsNotServedIsNotFound(String model) {
    Object messages = List.of(Map.of("role", "user", "content", "Hi"));
    for (Answer answer :
        List.of(
            api.post(COMPLETIONS, Api.body("model", model, "prompt", "A")),
            api.post(CHAT, Api.body("model", model, "messages", messages)),
            api.post("/tokenize", Api.body("model", model, "prompt", "A")),
            api.post("/detokenize", Api.body("model", model, "tokens", List.of())))) {
      assertError(404, "model_not_found", "model", answer, model);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt-4", "x/y", "x%2Fy", "%2Fetc%2Fpasswd", "%00", "a%20b", "%2e%2e%2fx"})
  void aModelThatIsNotServedHasNoPage(String id) {
    Answer answer = api.get("/v1/models/" + id);
    assertEquals(404, answer.status(), answer::toString);
    String code = answer.json().at("/error/code").textValue();
    String param = code.equals("model_not_found") ? "model" : null; // or a path that is normalised
    assertError(404, code, param, answer, id);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/nothing",
        "/v1",
        "/v1/nothing",
        "/v1/completions/x",
        "/v1/models/..",
        "/v1/models;x",
        "/admin/models",
        "/admin;x/models",
        "/q/no"
      })
  void anUnknownPathIsNotFound(String path) {
    assertError(404, "not_found", null, api.get(path), path);
    assertError(404, "not_found", null, api.post(path, Api.body("model", "x")), path);
  }

  @Test
  void aWrongMethodIsNotAllowed() {
    for (String path : List.of(COMPLETIONS, CHAT, "/tokenize", "/detokenize")) {
      assertError(405, "method_not_allowed", null, api.get(path), "GET " + path);
      for (String method : List.of("PUT", "DELETE", "PATCH")) {
        HttpRequest request =
            api.request(path, "Content-Type", "application/json")
                .method(method, BodyPublishers.ofString("{}"))
                .build();
        assertError(405, "method_not_allowed", null, api.send(request), method + " " + path);
      }
    }
    assertError(405, "method_not_allowed", null, api.post("/v1/models", "{}"), "POST models");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /v1/completions, 'POST, OPTIONS'",
    "DELETE, /tokenize, 'POST, OPTIONS'",
    "POST, /v1/models, 'GET, HEAD, OPTIONS'",
    "DELETE, /v1/models/m, 'GET, HEAD, OPTIONS'",
    "POST, /q/health, 'GET, HEAD, OPTIONS'"
  })
  void theMethodsThatAreAllowedAreNamed(String method, String path, String allowed) {
    Answer answer = api.send(api.request(path).method(method, BodyPublishers.noBody()).build());
    assertEquals(405, answer.status(), answer::toString);
    assertEquals(allowed, answer.headers().get("allow"));
  }

  @Test
  void wrongTokenizerRequestsNameTheirParameter() {
    assertTokenizerError("/tokenize", "{}", "prompt");
    assertTokenizerError("/tokenize", "{\"prompt\":5}", "prompt");
    assertTokenizerError("/tokenize", "{\"prompt\":\"\\ud800\"}", "prompt");
    assertTokenizerError("/tokenize", "{\"prompt\":\"a\",\"messages\":[]}", "prompt");
    assertTokenizerError("/tokenize", "{\"messages\":[]}", "messages");
    assertTokenizerError("/tokenize", "{\"prompt\":\"a\",\"x\":1}", "x");
    assertTokenizerError("/detokenize", "{}", "tokens");
    assertTokenizerError("/detokenize", "{\"tokens\":5}", "tokens");
    assertTokenizerError("/detokenize", "{\"tokens\":[\"1\"]}", "tokens");
    assertTokenizerError("/detokenize", "{\"tokens\":[4096]}", "tokens");
    assertTokenizerError("/detokenize", "{\"tokens\":[-1]}", "tokens");
  }

  private void assertTokenizerError(String path, String body, String param) {
    assertError(400, null, param, api.post(path, body), path + " " + body);
  }

  @Test
  void errorsComeBeforeTheStreamBegins() {
    Answer answer =
        api.post(COMPLETIONS, Api.body("prompt", "A", "stream", true, "temperature", 5));
    assertError(400, null, "temperature", answer, "with stream");
  }

  /** What the HTTP codec refuses need not be JSON. */
  @Test
  void headersWithoutEndAreRefused() throws IOException {
    try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
      socket.setSoTimeout(10_000);
      String head =
          "GET /v1/models HTTP/1.1\r\nHost: test\r\nX: " + "x".repeat(1_000_000) + "\r\n\r\n";
      try {
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      } catch (IOException e) {
        return; // refused before all was sent
      }
      InputStream in = socket.getInputStream();
      String status = new String(in.readNBytes(12), StandardCharsets.US_ASCII);
      assertTrue(status.startsWith("HTTP/1.1 4"), status);
    }
  }

  private Answer post(BodyPublisher body, String... headers) {
    return api.send(
        api.request(COMPLETIONS, headers)
            .header("Content-Type", "application/json")
            .POST(body)
            .build());
  }

  private static void assertError(
      int status, String code, String param, Answer answer, String inputs) {
    assertEquals(status, answer.status(), () -> inputs + " -> " + start(answer.toString()));
    assertEquals("application/json", answer.headers().get("content-type"), inputs);
    JsonNode error = answer.json().get("error");
    assertEquals(1, answer.json().size(), answer::toString);
    assertEquals(
        List.of("message", "type", "param", "code"),
        error.propertyStream().map(Map.Entry::getKey).toList(),
        inputs);
    assertFalse(error.get("message").textValue().isBlank(), inputs);
    assertEquals("invalid_request_error", error.get("type").textValue(), inputs);
    assertEquals(param, error.get("param").textValue(), () -> inputs + " -> " + error);
    assertEquals(code, error.get("code").textValue(), () -> inputs + " -> " + error);
  }

  private static String start(String text) {
    return text.length() <= 300 ? text : text.substring(0, 300) + "...";
  }
}
