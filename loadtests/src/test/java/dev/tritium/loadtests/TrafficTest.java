package dev.tritium.loadtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tritium.loadtests.Traffic.Ask;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TrafficTest {
  private static final Duration HOUR = Duration.ofHours(1);

  private static Traffic traffic(long seed) {
    return new Traffic("m", 0.75, 1, seed);
  }

  @Test
  void theSameSeedAsksTheSame() {
    assertEquals(asks(1), asks(1));
    assertNotEquals(asks(1), asks(2));
  }

  private static List<Ask> asks(long seed) {
    return Stream.generate(traffic(seed)::next).limit(20).toList();
  }

  @Test
  void anAskIsAStreamedCompletionWhoseAnswerHasALengthOfItsOwn() throws Exception {
    Ask ask = traffic(1).ask(40, 17);
    JsonNode body = new ObjectMapper().readTree(ask.body());
    assertEquals("m", body.get("model").asText());
    assertEquals(30, body.get("prompt").asText().split(" ").length);
    assertEquals(17, body.get("max_tokens").asInt());
    assertEquals(17, ask.answerTokens());
    assertTrue(body.get("ignore_eos").asBoolean());
    assertTrue(body.get("stream").asBoolean());
    assertTrue(body.at("/stream_options/include_usage").asBoolean());
  }

  @Test
  void theScaleIsThatOfAllLengths() {
    Traffic whole = new Traffic("m", 1, 1, 7);
    Traffic tenth = new Traffic("m", 1, 0.1, 7);
    double ratio = (double) answerTokens(tenth) / answerTokens(whole);
    assertEquals(0.1, ratio, 0.03);
  }

  private static long answerTokens(Traffic traffic) {
    return Stream.generate(traffic::next).limit(500).mapToLong(Ask::answerTokens).sum();
  }

  @Test
  void promptsPartEarly() {
    Traffic traffic = traffic(3);
    Set<String> beginnings = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      beginnings.add(String.join(" ", List.of(traffic.sentences(40).split(" ")).subList(0, 12)));
    }
    assertTrue(beginnings.size() > 95, () -> beginnings.size() + " different beginnings of 100");
  }

  @Test
  void arrivalsArePoissons() {
    List<Duration> gaps = Traffic.gaps(10, HOUR, 1);
    double mean = gaps.stream().mapToDouble(TrafficTest::seconds).average().orElseThrow();
    double variance =
        gaps.stream().mapToDouble(g -> Math.pow(seconds(g) - mean, 2)).average().orElseThrow();
    assertEquals(36_000, gaps.size(), 1_000);
    assertEquals(0.1, mean, 0.003);
    assertEquals(1, Math.sqrt(variance) / mean, 0.03); // as of an exponential distribution
    assertTrue(gaps.stream().mapToDouble(TrafficTest::seconds).sum() < HOUR.toSeconds());
  }

  @Test
  void arrivalsAreTheSameForTheSameSeed() {
    assertEquals(
        Traffic.gaps(2, Duration.ofMinutes(1), 5), Traffic.gaps(2, Duration.ofMinutes(1), 5));
    assertNotEquals(
        Traffic.gaps(2, Duration.ofMinutes(1), 5), Traffic.gaps(2, Duration.ofMinutes(1), 6));
  }

  private static double seconds(Duration gap) {
    return gap.toNanos() / 1e9;
  }
}
