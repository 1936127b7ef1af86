package dev.tritium.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.hub.HubSettings;
import dev.tritium.hub.ModelId;
import dev.tritium.hub.Pull;
import dev.tritium.hub.PullProgress;
import dev.tritium.testing.FakeHub;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is shown while a model comes. */
class ProgressTest {
  @TempDir private Path home;

  private String shown(BiFunction<PrintWriter, LongSupplier, PullProgress> progress)
      throws IOException {
    StringWriter out = new StringWriter();
    AtomicLong seconds = new AtomicLong(); // a clock that goes a second each time it is read
    try (FakeHub hub = new FakeHub(Path.of("src/test/resources/golden/hgrn-tiny"))) {
      hub.fault = (request, answer) -> answer.slowly = true;
      Map<String, String> properties =
          Map.of("HF_ENDPOINT", hub.endpoint(), "HF_HOME", home.toString());
      properties.forEach(System::setProperty);
      try {
        Pull.run(
            HubSettings.read(),
            ModelId.require(FakeHub.ID),
            config -> {},
            progress.apply(
                new PrintWriter(out, true), () -> seconds.getAndIncrement() * 1_000_000_000));
      } finally {
        properties.keySet().forEach(System::clearProperty);
      }
    }
    return out.toString();
  }

  @Test
  void barsAreDrawnInPlaceAndFilesThatAreDoneStay() throws IOException {
    String shown = shown((out, clock) -> new ProgressBars(out, clock, 100));
    assertTrue(shown.startsWith("acme/tiny-lm, commit " + FakeHub.COMMIT), shown);
    List<String> drawings = List.of(shown.split("\r\033\\[J", -1));
    assertTrue(drawings.size() > 2, shown);
    for (String line : shown.replaceAll("\033\\[\\d*[AJ]", "").lines().toList()) {
      assertTrue(line.strip().length() < 100, () -> "would wrap: " + line);
    }
    String last = drawings.getLast();
    assertTrue(last.contains("100 %"), last);
    assertTrue(last.contains("2.4 MB of   2.4 MB"), last);
    assertEquals(
        1,
        shown.lines().filter(line -> line.matches(".*model\\.safetensors +2\\.2 MB")).count(),
        shown);
  }

  @Test
  void linesAreFew() throws IOException {
    List<String> lines = shown(ProgressLines::new).lines().toList();
    assertTrue(
        lines
            .getFirst()
            .matches("tritium: pulling acme/tiny-lm, commit \\w{40}: 5 files, 2\\.4 MB"),
        lines::toString);
    for (String line : lines.subList(1, lines.size())) {
      assertTrue(line.matches("tritium: \\d+ %: .* of 2\\.4 MB, .*/s, .* left"), lines::toString);
    }
  }

  @Test
  void theRateIsThatOfTheLastSeconds() {
    TransferRate rate = new TransferRate();
    assertEquals("-", rate.timeLeft(1));
    for (int second = 0; second <= 20; second++) {
      rate.at(second * 1_000_000_000L, second < 10 ? 0 : (second - 10) * 2_000L);
    }
    assertEquals(2_000, rate.bytesPerSecond());
    assertEquals("0:05", rate.timeLeft(10_000));
    assertEquals("1:00:01", rate.timeLeft(7_202_000));
  }
}
