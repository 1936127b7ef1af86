package dev.tritium.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The dashboard by itself; {@link MonitoringIT} asks a Prometheus for what it shows. */
class DashboardTest {
  private static final int COLUMNS = 24;
  private static final String DATA_SOURCE = "${datasource}";
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{?(\\w+)");

  private final JsonNode dashboard = Expression.dashboard();

  DashboardTest() throws IOException {}

  @Test
  void panelsDoNotOverlapAndHaveTheirOwnIds() {
    Set<Integer> ids = new HashSet<>();
    Set<List<Integer>> taken = new HashSet<>();
    for (JsonNode panel : dashboard.get("panels")) {
      String title = panel.get("title").textValue();
      assertTrue(ids.add(panel.get("id").intValue()), title);
      JsonNode at = panel.get("gridPos");
      for (int x = at.get("x").intValue();
          x < at.get("x").intValue() + at.get("w").intValue();
          x++) {
        for (int y = at.get("y").intValue();
            y < at.get("y").intValue() + at.get("h").intValue();
            y++) {
          assertTrue(taken.add(List.of(x, y)) && x < COLUMNS, title);
        }
      }
    }
  }

  @Test
  void eachPanelSaysWhatItShowsInWhichUnit() {
    for (JsonNode panel : dashboard.get("panels")) {
      String title = panel.get("title").textValue();
      String type = panel.get("type").textValue();
      if (type.equals("row")) {
        continue;
      }
      assertTrue(panel.get("description").textValue().endsWith("."), title);
      String unit = type.equals("heatmap") ? "/options/yAxis/unit" : "/fieldConfig/defaults/unit";
      assertTrue(type.equals("table") || panel.at(unit).isTextual(), title);
      assertEquals(DATA_SOURCE, panel.at("/datasource/uid").textValue(), title);
      assertFalse(panel.get("targets").isEmpty(), title);
      assertEquals(
          panel.get("targets").size(),
          panel.get("targets").findValuesAsText("refId").stream().distinct().count(),
          title);
    }
  }

  @Test
  void onlyVariablesThatThereAreAreUsedAndNoWindowIsFixed() {
    Set<String> variables =
        new HashSet<>(dashboard.at("/templating/list").findValuesAsText("name"));
    assertEquals(Set.of("datasource", "model", "instance"), variables);
    variables.add("__rate_interval");
    for (String expression : dashboard.get("panels").findValuesAsText("expr")) {
      Set<String> used =
          VARIABLE
              .matcher(expression)
              .results()
              .map(found -> found.group(1))
              .collect(Collectors.toSet());
      assertTrue(variables.containsAll(used), expression);
      assertTrue(used.isEmpty() || used.contains("instance"), expression);
      assertFalse(expression.matches(".*\\[\\d.*"), expression);
    }
  }
}
