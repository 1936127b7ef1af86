package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.ApiDocument;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** That a test whose answer is not as the OpenAPI document says would fail. */
class ApiDocumentTest {
  private static final String COMPLETION =
      """
      {"id":"cmpl-0123456789abcdef0123456789abcdef","object":"text_completion","created":1,"model":"m",
       "choices":[{"text":"A","index":0,"logprobs":null,"finish_reason":"stop"}],
       "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,
        "prompt_tokens_details":{"cached_tokens":0}}}""";
  private static final String CHUNK =
      """
      {"id":"cmpl-0123456789abcdef0123456789abcdef","object":"text_completion","created":1,"model":"m",\
      "choices":[{"text":"A","index":0,"logprobs":null,"finish_reason":null}]}""";
  private static final String ERROR =
      """
      {"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}""";

  private final ApiDocument held = ApiDocument.of(OpenApiDocument.create("1").toString());

  @Test
  void whatIsAsTheDocumentSaysPasses() {
    Map<String, String> json = headers("application/json");
    held.check("POST", "/v1/completions", "{\"prompt\":\"A\"}", new Answer(200, json, COMPLETION));
    String events = "data: " + CHUNK + "\n\n: ping\n\ndata: [DONE]\n\n";
    Answer stream = new Answer(200, headers("text/event-stream"), events);
    held.check("POST", "/v1/completions", "{\"prompt\":\"A\",\"stream\":true}", stream);
    Map<String, String> plain = new LinkedHashMap<>(json);
    plain.keySet().removeAll(Set.of("cache-control", "x-accel-buffering"));
    held.check("POST", "/v1/completions", "{}", new Answer(400, plain, ERROR));
  }

  static Stream<Arguments> wrongAnswers() {
    Map<String, String> json = headers("application/json");
    Map<String, String> stream = headers("text/event-stream");
    Map<String, String> withoutId = new LinkedHashMap<>(json);
    withoutId.remove("x-request-id");
    Map<String, String> wrongTime = new LinkedHashMap<>(json);
    wrongTime.put("openai-processing-ms", "soon");
    Map<String, String> more = new LinkedHashMap<>(json);
    more.put("x-secret", "1");
    String end = "data: [DONE]\n\n";
    return Stream.of(
        arguments("status", 418, json, COMPLETION),
        arguments("media type", 200, headers("text/plain"), COMPLETION),
        arguments("header x-request-id", 200, withoutId, COMPLETION),
        arguments("openai-processing-ms", 200, wrongTime, COMPLETION),
        arguments("header x-secret", 200, more, COMPLETION),
        arguments("'model'", 200, json, COMPLETION.replace("\"model\":\"m\",", "")),
        arguments("'more'", 200, json, COMPLETION.replace("\"model\":", "\"more\":1,\"model\":")),
        arguments("finish_reason", 200, json, COMPLETION.replace("\"stop\"", "null")),
        arguments("finish_reason", 200, json, COMPLETION.replace("\"stop\"", "\"eos\"")),
        arguments("/created", 200, json, COMPLETION.replace("\"created\":1", "\"created\":1.5")),
        arguments("type", 200, stream, "data: " + COMPLETION.replace("\n", "") + "\n\n" + CHUNK),
        arguments("an event", 200, stream, "data: {\"id\":1}\n\n" + end),
        arguments("no end", 200, stream, "data: " + CHUNK + "\n\n"),
        arguments("after the end", 200, stream, end + "data: " + CHUNK + "\n\n"),
        arguments("frame", 200, stream, "event: x\ndata: " + CHUNK + "\n\n" + end),
        arguments("not JSON", 200, json, "{"));
  }

  private static Map<String, String> headers(String contentType) {
    return Map.of(
        "content-type", contentType,
        "x-request-id", "req-1",
        "openai-processing-ms", "1",
        "cache-control", "no-cache",
        "x-accel-buffering", "no");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongAnswers")
  void whatIsNotAsTheDocumentSaysFails(
      String what, int status, Map<String, String> headers, String body) {
    assertFails(what, "POST", "/v1/completions", new Answer(status, headers, body));
  }

  @Test
  void aSuccessThatTheDocumentDoesNotHaveFails() {
    Answer answer = new Answer(200, headers("application/json"), "{}");
    assertFails("no such operation", "GET", "/v1/completions", answer);
    assertFails("no such operation", "POST", "/v1/nothing", answer);
  }

  private void assertFails(String what, String method, String path, Answer answer) {
    AssertionError error =
        assertThrows(
            AssertionError.class, () -> held.check(method, path, "{\"prompt\":\"A\"}", answer));
    assertTrue(error.toString().contains(what), error::toString);
  }

  @Test
  void aRequestThatTheDocumentRefusesMustNotSucceed() {
    Answer answer = new Answer(200, headers("application/json"), COMPLETION);
    for (String body :
        List.of(
            "{}", "{\"prompt\":5}", "{\"prompt\":\"A\",\"n\":0}", "{\"prompt\":\"A\",\"x\":1}")) {
      AssertionError error =
          assertThrows(
              AssertionError.class,
              () -> held.check("POST", "/v1/completions", body, answer),
              body);
      assertTrue(error.toString().contains("the request succeeded"), error::toString);
    }
  }
}
