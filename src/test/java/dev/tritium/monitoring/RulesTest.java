package dev.tritium.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The alerts and recorded ratios, by themselves; {@link MonitoringIT} has a server. */
class RulesTest {
  private static final Path CASES = Path.of("src/test/resources/prometheus/tritium.test.yml");

  @Test
  void theRulesAreValid() throws Exception {
    assertGood(Promtool.run(null, "check", "rules", "--lint-fatal", Expression.RULES.toString()));
  }

  @Test
  void alertsFireWhenTheyShouldAndOnlyThen() throws Exception {
    assertGood(Promtool.run(null, "test", "rules", CASES.toString()));
  }

  @Test
  void eachAlertSaysWhatToDoAndHasCasesAndIsInTheDocs() throws IOException {
    String cases = Files.readString(CASES);
    String docs = Files.readString(Path.of("docs/monitoring.md"));
    for (JsonNode rule : Expression.rules()) {
      if (rule.has("alert")) {
        String name = rule.get("alert").textValue();
        assertTrue(rule.at("/annotations/summary").asText().contains("$labels.instance"), name);
        assertTrue(rule.at("/annotations/description").asText().length() > 80, name);
        assertTrue(rule.at("/labels/severity").asText().matches("critical|warning"), name);
        assertTrue(rule.has("for"), name);
        assertTrue(cases.contains("alertname=\"" + name + "\", alertstate=\"firing\""), name);
        assertTrue(docs.contains("| `" + name + "` |"), name + " is not in docs/monitoring.md");
      } else {
        String name = rule.get("record").textValue();
        assertTrue(cases.contains("expr: round(" + name) || isInAnAlert(name), name);
      }
    }
  }

  private static boolean isInAnAlert(String record) throws IOException {
    return Expression.ofAlerts().stream().anyMatch(alert -> alert.promQl().contains(record));
  }

  private static void assertGood(Promtool run) {
    assertEquals(0, run.status(), run::said);
  }
}
