package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Api;
import dev.tritium.testing.Exposition;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * The server's histograms against what a client on the same machine sees. The scalar kernel makes
 * tokens take tens of milliseconds, far longer than an event does from the one to the other.
 */
@QuarkusTest
@TestProfile(LatencyAgreementTest.Slow.class)
@SuppressWarnings("NullAway.Init") // injected
class LatencyAgreementTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final int TOKENS = 60;
  private static final String PROMPT =
      "Once upon a time there was a little girl who lived in a small house by the sea. ".repeat(6);

  @TestHTTPResource("/")
  URI uri;

  /** The settings, the last two for {@link UsageWithoutEnergyTest}: each start takes seconds. */
  public static final class Slow implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "tritium.kernel", "scalar",
          "tritium.threads", "1",
          "tritium.prefix-cache.bytes", "0",
          "tritium.usage.energy", "false",
          "tritium.energy.source", "estimate");
    }
  }

  @Test
  void timesAreWhatAClientMeasuresWithinABucket() throws IOException {
    Api api = Api.ready(uri);
    double others = durations(api);
    api.stream("/v1/completions", "prompt", "A", "max_tokens", 2, "logprobs", 1, "stream", true);
    Api.await("what comes first once has come", LIMIT, () -> durations(api) == others + 1);
    Exposition before = Exposition.of(api);
    String body =
        Api.body(
            "prompt",
            PROMPT,
            "max_tokens",
            TOKENS,
            "ignore_eos",
            true,
            "logprobs",
            1, // each token is an event, even if it has no text yet
            "stream",
            true);
    long start = System.nanoTime();
    List<Long> arrivals = new ArrayList<>(); // of tokens, nanoseconds from the start
    try (Socket socket = api.open("/v1/completions", body);
        BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
      String line;
      while ((line = lines.readLine()) != null && !line.equals("data: [DONE]")) {
        if (line.startsWith("data: {")) {
          arrivals.add(System.nanoTime() - start);
        }
      }
    }
    long whole = System.nanoTime() - start;
    assertEquals(TOKENS, arrivals.size(), arrivals::toString);
    Api.await("its duration is there", LIMIT, () -> durations(api) == others + 2);
    Exposition after = Exposition.of(api);

    long[] gaps = new long[TOKENS - 1];
    Arrays.setAll(gaps, i -> arrivals.get(i + 1) - arrivals.get(i));
    Arrays.sort(gaps);
    assertAgree("llm_inter_token_seconds", TOKENS - 1, gaps[gaps.length / 2], before, after);
    assertAgree("llm_time_to_first_token_seconds", 1, arrivals.getFirst(), before, after);
    assertAgree("llm_request_duration_seconds", 1, whole, before, after);
  }

  private static double durations(Api api) {
    return Exposition.of(api).sum("llm_request_duration_seconds_count");
  }

  /** Fails unless a client's median is at most one bucket off the server's. */
  private static void assertAgree(
      String histogram, int count, long clientNanos, Exposition before, Exposition after) {
    TreeMap<Double, Double> added = after.buckets(histogram);
    before.buckets(histogram).forEach((edge, old) -> added.merge(edge, -old, Double::sum));
    assertEquals(count, added.values().stream().mapToDouble(v -> v).sum(), histogram);
    double upTo = 0;
    int server = -1;
    for (Iterator<Double> buckets = added.values().iterator(); 2 * upTo < count; server++) {
      upTo += buckets.next();
    }
    int client = added.headMap(clientNanos / 1e9).size(); // edges below it
    String found = "%s: %.4f s for the client, %s".formatted(histogram, clientNanos / 1e9, added);
    assertTrue(Math.abs(client - server) <= 1, found);
  }
}
