package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.api.openai.Endpoint;
import dev.tritium.api.openai.Outcome;
import dev.tritium.testing.Api;
import dev.tritium.testing.Exposition;
import dev.tritium.testing.Exposition.Sample;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** However many clients think of whatever names, there are no more series. */
@QuarkusTest
@SuppressWarnings("NullAway.Init") // set before each test
class MetricLabelsTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final String MARK = "made-up-";

  @TestHTTPResource("/")
  URI uri;

  private Api api;
  private final long seed = System.nanoTime();
  private final Random random = new Random(seed);

  @BeforeEach
  void open() {
    api = Api.ready(uri);
    awaitCounts();
  }

  /** A request is counted when its answer has been written: a client may have it before. */
  private void awaitCounts() {
    Api.await(
        "all are counted",
        LIMIT,
        () -> {
          Exposition earlier = Exposition.of(api);
          LockSupport.parkNanos(100_000_000);
          return earlier.sum("llm_requests_total") == Exposition.of(api).sum("llm_requests_total");
        });
  }

  private static Set<String> series(Exposition exposition) {
    return exposition.samples().stream()
        .filter(sample -> sample.name().startsWith("llm_"))
        .map(sample -> sample.name() + sample.labels())
        .collect(Collectors.toSet());
  }

  private String madeUp() {
    return MARK + Long.toString(random.nextLong(Long.MAX_VALUE), 36);
  }

  /** One of the kinds of requests there are, each with names that nobody has used before. */
  private HttpRequest request(int kind) {
    return switch (kind) {
      case 0 -> completion("model", madeUp(), "prompt", "A", "max_tokens", 1);
      case 1 ->
          completion("prompt", "A", "max_tokens", 1, "user", madeUp(), "cache_salt", madeUp());
      case 2 -> completion("prompt", madeUp(), madeUp(), 1);
      case 3 -> request("/v1/models/" + madeUp()).GET().build();
      case 4 -> request("/" + madeUp() + "/" + madeUp()).GET().build();
      case 5 -> request("/q/" + madeUp() + "?" + madeUp()).GET().build();
      case 6 -> request("/v1/models").method(madeUp(), BodyPublishers.noBody()).build();
      case 7 -> request("/playground/" + madeUp()).GET().build();
      case 8 -> request("/tokenize").POST(BodyPublishers.ofString(madeUp())).build();
      default -> request("/v1/completions").PUT(BodyPublishers.ofString(madeUp())).build();
    };
  }

  private HttpRequest completion(Object... body) {
    return request("/v1/completions").POST(BodyPublishers.ofString(Api.body(body))).build();
  }

  private HttpRequest.Builder request(String path) {
    return api.request(
        path, "x-request-id", madeUp(), "Content-Type", "application/json", "Origin", madeUp());
  }

  @Test
  void aThousandRequestsMakeNoSeries() {
    for (int kind = 0; kind < 10; kind++) {
      api.send(request(kind)); // the bounded ones begin
    }
    awaitCounts();
    Set<String> before = series(Exposition.of(api));
    for (int i = 0; i < 1_000; i++) {
      api.send(request(i % 10));
    }
    Exposition after = Exposition.of(api);
    assertEquals(before, series(after), "seed " + seed);
    assertFalse(series(after).toString().contains(MARK), "seed " + seed);
  }

  @Test
  void labelsAreServedModelsEndpointsAndOutcomes() {
    for (int kind = 0; kind < 10; kind++) {
      api.send(request(kind));
    }
    awaitCounts();
    Map<String, Set<String>> known =
        Map.of(
            "model",
            Set.of("tritium-stories-17m", "unknown"),
            "endpoint",
            labels(Endpoint.values(), Endpoint::label),
            "outcome",
            labels(Outcome.values(), Outcome::label));
    int found = 0;
    for (Sample sample : Exposition.of(api).samples()) {
      if (sample.name().equals("llm_requests_total")) {
        assertEquals(known.keySet(), sample.labels().keySet());
        known.forEach(
            (label, values) ->
                assertTrue(values.contains(sample.labels().get(label)), sample::toString));
        found++;
      }
    }
    assertTrue(found > 16, found + " series");
  }

  private static <T> Set<String> labels(T[] values, Function<T, String> label) {
    return Arrays.stream(values).map(label).collect(Collectors.toSet());
  }

  @Test
  void eachRequestIsCountedOnceWithItsOutcome() {
    double ok = requests("completions", "ok");
    double refused = requests("completions", "refused");
    double durations = Exposition.of(api).sum("llm_request_duration_seconds_count");
    api.send(request(1));
    api.send(request(0));
    api.send(request(2));
    awaitCounts();
    assertEquals(ok + 1, requests("completions", "ok"));
    assertEquals(refused + 2, requests("completions", "refused"));
    assertEquals(
        durations + 1,
        Exposition.of(api).sum("llm_request_duration_seconds_count"),
        "refused ones have no duration");
  }

  private double requests(String endpoint, String outcome) {
    return Exposition.of(api).samples().stream()
        .filter(sample -> sample.name().equals("llm_requests_total"))
        .filter(sample -> endpoint.equals(sample.labels().get("endpoint")))
        .filter(sample -> outcome.equals(sample.labels().get("outcome")))
        .mapToDouble(Sample::value)
        .sum();
  }
}
