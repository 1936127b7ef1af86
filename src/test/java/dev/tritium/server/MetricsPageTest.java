package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Api;
import dev.tritium.testing.Exposition;
import dev.tritium.testing.Exposition.Sample;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** docs/metrics.md against a server that has answered requests. */
@QuarkusTest
@SuppressWarnings("NullAway.Init") // injected
class MetricsPageTest {
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| `(llm_\\w+)` \\| (\\w+) \\| (.*?) \\| (.*?) \\| (.*) \\|$");
  private static final Pattern LABEL = Pattern.compile("`(\\w+)`");

  @TestHTTPResource("/")
  URI uri;

  /** What the page says; where {@code conditional}, some servers do not have it. */
  private record Row(String type, String unit, Set<String> labels, boolean conditional) {}

  private static Map<String, Row> page() throws IOException {
    Map<String, Row> rows = new TreeMap<>();
    ROW.matcher(Files.readString(Path.of("docs/metrics.md")))
        .results()
        .forEach(row -> assertEquals(null, rows.put(row.group(1), row(row)), row.group(1)));
    assertTrue(rows.size() > 20, rows::toString);
    return rows;
  }

  private static Row row(MatchResult row) {
    Set<String> labels =
        LABEL.matcher(row.group(4)).results().map(l -> l.group(1)).collect(Collectors.toSet());
    return new Row(row.group(2), row.group(3), labels, row.group(5).startsWith("Only "));
  }

  private Exposition metricsAfterRequests() {
    Api api = Api.ready(uri);
    String path = "/v1/completions";
    Object[] body = {"prompt", "Once upon a time", "max_tokens", 5, "n", 2};
    api.ask(path, body);
    api.ask(path, body); // cached
    api.stream(path, "prompt", "Once", "max_tokens", 5, "stream", true);
    assertEquals(404, api.get("/v1/models/no-such").status());
    Api.await(
        "all are counted",
        Duration.ofSeconds(20),
        () -> api.metric("llm_request_duration_seconds_count") >= 3);
    return Exposition.of(api);
  }

  @Test
  void whatIsExposedIsOnThePageAndWhatIsOnThePageIsExposed() throws IOException {
    Map<String, Row> page = page();
    Exposition exposition = metricsAfterRequests();
    Set<String> exposed = new HashSet<>();
    for (Sample sample : exposition.samples()) {
      String family = exposition.family(sample);
      if (!family.startsWith("llm_")) {
        continue;
      }
      exposed.add(family);
      Set<String> labels = new HashSet<>(sample.labels().keySet());
      labels.remove("le");
      Row histogram = page.get(family.replaceFirst("_max$", ""));
      if (family.endsWith("_max") && histogram != null && histogram.type.equals("histogram")) {
        assertEquals("gauge", exposition.types().get(family), family);
        assertEquals(histogram.labels, labels, family);
        continue;
      }
      Row row = page.get(family);
      assertNotNull(row, () -> family + " is not on docs/metrics.md");
      assertEquals(row.type, exposition.types().get(family), family);
      assertEquals(row.labels, labels, family);
    }
    page.forEach(
        (name, row) ->
            assertTrue(row.conditional || exposed.contains(name), name + " is not exposed"));
  }

  @Test
  void namesSayTheirUnits() throws IOException {
    page()
        .forEach(
            (name, row) -> {
              String base = name.replaceFirst("_total$", "");
              assertEquals(row.type.equals("counter"), name.endsWith("_total"), name);
              for (String unit : Set.of("seconds", "bytes", "joules")) {
                assertEquals(row.unit.equals(unit), base.endsWith("_" + unit), name);
              }
            });
  }
}
