package dev.tritium.api;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The worst bad inputs cost a warm server less than 100 ms of work, and nothing stays behind. */
@QuarkusTest
class BadInputTimeTest {
  private static final int LIMIT_MILLIS = 100;
  private static final int TRIES = 5; // the first finds code that is not compiled yet

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri);
  }

  @AfterEach
  void nothingStaysBehind() {
    Api.await("nothing runs", Duration.ofSeconds(2), () -> api.running() + api.waiting() == 0);
    assertEquals(200, api.get("/q/health").status());
  }

  /** What is wrong, the status, and the body. */
  static Stream<Arguments> badInputs() {
    String aMillion = // in base 36, as a million decimal ids are more than a body may have
        IntStream.range(0, 1_000_000)
            .mapToObj(id -> "\"%s\":1".formatted(Integer.toString(id, 36)))
            .collect(joining(",", "{", "}"));
    Stream<Arguments> numbers =
        Stream.of("n", "best_of", "max_tokens")
            .flatMap(
                name ->
                    Stream.of("-1", "2147483648", "1e308", "NaN", "\"5\"")
                        .map(value -> parameter(name + " " + value, name, value)));
    Stream<Arguments> others =
        Stream.of(
            parameter("a prompt of 10 MB", "prompt", Api.json("a ".repeat(5_200_000))),
            parameter("a prompt with half a pair", "prompt", "\"\\ud800\""),
            parameter("10,000 stops", "stop", Api.json(Collections.nCopies(10_000, "x"))),
            parameter("an empty stop", "stop", "[\"\"]"),
            parameter("a million biases", "logit_bias", aMillion),
            parameter("a bias of no token", "logit_bias", "{\"99999\":1}"),
            parameter("depth 100,000", "stop", "[".repeat(100_000) + "]".repeat(100_000)),
            arguments("a name twice", 400, "{\"prompt\":\"A\",\"prompt\":\"A\"}"),
            arguments("11 MB", 413, " ".repeat(11_000_000)),
            format("a pattern of many states", Map.of("pattern", "((a{1,1000}){1,1000}){1,1000}")),
            format("a pattern of many ways", Map.of("pattern", "^(a|a|a|a)*(b?){1000}(?=c)$")),
            format("a pattern of deep groups", Map.of("pattern", "(".repeat(50_000))),
            format("a schema of many states", Map.of("maxLength", 10_000, "minLength", 10_000)),
            format("a schema without end", Map.of("$ref", "#")),
            arguments("model ../", 404, Api.body("prompt", "A", "model", "../../etc/passwd")),
            arguments("model %2e", 404, Api.body("prompt", "A", "model", "%2e%2e%2f")),
            arguments("model /", 404, Api.body("prompt", "A", "model", "/etc/passwd")),
            arguments("model NUL", 404, Api.body("prompt", "A", "model", "a\u0000")));
    return Stream.concat(numbers, others);
  }

  private static Arguments parameter(String what, String name, String value) {
    String prompt = name.equals("prompt") ? "" : "\"prompt\":\"A\",";
    return arguments(what, 400, "{%s\"%s\":%s}".formatted(prompt, name, value));
  }

  private static Arguments format(String what, Map<String, ?> schema) {
    Object format =
        Map.of("type", "json_schema", "json_schema", Map.of("name", "s", "schema", schema));
    return arguments(what, 400, Api.body("prompt", "A", "response_format", format));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badInputs")
  void aBadInputIsRefusedAtOnce(String what, int status, String body) {
    double least = Double.MAX_VALUE;
    for (int i = 0; i < TRIES && least >= LIMIT_MILLIS; i++) {
      double before = serverMillis();
      Answer answer = api.post("/v1/completions", body);
      least = Math.min(least, serverMillis() - before);
      assertEquals(status, answer.status(), () -> what + " -> " + answer);
    }
    double millis = least;
    assertTrue(millis < LIMIT_MILLIS, () -> what + ": " + millis + " ms at best");
  }

  /** What the server's threads have worked; the clock would also count what others do here. */
  private static double serverMillis() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    return Arrays.stream(threads.getThreadInfo(threads.getAllThreadIds()))
            .filter(Objects::nonNull)
            .filter(thread -> thread.getThreadName().matches("(executor-thread|vert\\.x-).*"))
            .mapToLong(thread -> threads.getThreadCpuTime(thread.getThreadId()))
            .filter(nanos -> nanos > 0) // not of a thread that has just ended
            .sum()
        / 1e6;
  }
}
