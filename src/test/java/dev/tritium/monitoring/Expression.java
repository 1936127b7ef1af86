package dev.tritium.monitoring;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.tritium.testing.Api;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** An expression in PromQL that operators get from us, and where it stands. */
record Expression(String where, String promQl) {
  static final Path DASHBOARD = Path.of("helm/tritium/dashboards/tritium.json");
  static final Path RULES = Path.of("helm/tritium/rules/tritium.yml");

  private static final Path DOCS = Path.of("docs");
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```promql\n(.*?)^```$");
  private static final Pattern METRIC =
      Pattern.compile("\\b(?:up|(?:llm|jvm|process|system)_\\w+|instance:[\\w:]+)\\b");
  private static final Pattern COMPARISON = Pattern.compile("([=!<>]=|[<>])(?= )");

  static JsonNode dashboard() throws IOException {
    return Api.JSON.readTree(DASHBOARD.toFile());
  }

  static List<JsonNode> rules() throws IOException {
    return new YAMLMapper()
        .readTree(RULES.toFile())
        .get("groups")
        .valueStream()
        .flatMap(group -> group.get("rules").valueStream())
        .toList();
  }

  /** The targets of all panels, with the dashboard's variables replaced. */
  static List<Expression> ofDashboard(Map<String, String> variables) throws IOException {
    List<Expression> found = new ArrayList<>();
    for (JsonNode panel : dashboard().get("panels")) {
      for (JsonNode target : panel.path("targets")) {
        String promQl = target.get("expr").textValue();
        for (Map.Entry<String, String> variable : variables.entrySet()) {
          promQl = promQl.replace("$" + variable.getKey(), variable.getValue());
        }
        String refId = target.get("refId").textValue();
        found.add(new Expression("panel " + panel.get("title") + " " + refId, promQl));
      }
    }
    return found;
  }

  static List<Expression> ofRecordingRules() throws IOException {
    return rules().stream()
        .filter(rule -> rule.has("record"))
        .map(r -> new Expression(r.get("record").textValue(), r.get("expr").textValue()))
        .toList();
  }

  /**
   * The alerts, with each comparison made {@code bool}: it then says 0 or 1 of everything that it
   * compares, where an alert that does not fire has no answer at all.
   */
  static List<Expression> ofAlerts() throws IOException {
    return rules().stream()
        .filter(rule -> rule.has("alert"))
        .map(
            rule -> {
              String promQl = rule.get("expr").textValue();
              return new Expression(
                  rule.get("alert").textValue(), COMPARISON.matcher(promQl).replaceAll("$1 bool"));
            })
        .toList();
  }

  /** The blocks of docs/*.md that are marked promql; an empty line parts two expressions. */
  static List<Expression> ofDocs() throws IOException {
    List<Expression> found = new ArrayList<>();
    try (Stream<Path> files = Files.list(DOCS)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".md")).sorted().toList()) {
        for (MatchResult block : BLOCK.matcher(Files.readString(file)).results().toList()) {
          for (String promQl : block.group(1).split("\n\\s*\n", -1)) {
            found.add(new Expression(file.toString(), promQl));
          }
        }
      }
    }
    return found;
  }

  /** The metrics that it names. */
  Set<String> metrics() {
    return METRIC.matcher(promQl).results().map(MatchResult::group).collect(Collectors.toSet());
  }
}
