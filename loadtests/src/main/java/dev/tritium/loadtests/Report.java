package dev.tritium.loadtests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The results of scenarios, as a file of JSON for each and one table of Markdown for all. */
final class Report {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String FILE = "results.json";

  private Report() {}

  /** Writes a run's results into its folder. */
  static JsonNode write(Run run, String model, Path folder) throws IOException {
    ObjectNode results = JSON.createObjectNode();
    results.put("scenario", run.scenario.toString());
    results.put("model", model);
    ArrayNode rows = results.putArray("rows");
    for (Phase phase : run.phases()) {
      ObjectNode row = rows.addObject();
      phase.row().forEach(row::put);
    }
    ArrayNode broken = results.putArray("broken");
    run.broken().forEach(broken::add);
    Files.createDirectories(folder);
    JSON.writerWithDefaultPrettyPrinter().writeValue(folder.resolve(FILE).toFile(), results);
    return results;
  }

  static JsonNode read(Path folder) throws IOException {
    return JSON.readTree(folder.resolve(FILE).toFile());
  }

  /** A table of the results of one or more scenarios, and below it the rules that were broken. */
  static String markdown(List<JsonNode> results) {
    List<List<String>> table = new ArrayList<>();
    List<String> broken = new ArrayList<>();
    for (JsonNode result : results) {
      String scenario = result.get("scenario").asText();
      for (JsonNode row : result.get("rows")) {
        if (table.isEmpty()) {
          table.add(
              Stream.concat(Stream.of("scenario"), row.propertyStream().map(e -> e.getKey()))
                  .toList());
        }
        table.add(
            Stream.concat(Stream.of(scenario), row.valueStream().map(JsonNode::asText)).toList());
      }
      result.get("broken").forEach(rule -> broken.add("- " + scenario + ": " + rule.asText()));
    }
    return aligned(table)
        + "\n"
        + (broken.isEmpty()
            ? "All rules hold.\n"
            : "Broken rules:\n" + String.join("\n", broken) + "\n");
  }

  private static String aligned(List<List<String>> table) {
    List<Integer> widths = new ArrayList<>();
    for (int column = 0; column < table.getFirst().size(); column++) {
      int of = column;
      widths.add(table.stream().mapToInt(row -> row.get(of).length()).max().orElseThrow());
    }
    List<String> lines = new ArrayList<>();
    for (List<String> row : table) {
      List<String> cells = new ArrayList<>();
      for (int column = 0; column < row.size(); column++) {
        cells.add(row.get(column) + " ".repeat(widths.get(column) - row.get(column).length()));
      }
      lines.add("| " + String.join(" | ", cells) + " |");
      if (lines.size() == 1) {
        lines.add(
            widths.stream()
                .map(width -> "-".repeat(width + 2))
                .collect(Collectors.joining("|", "|", "|")));
      }
    }
    return String.join("\n", lines) + "\n";
  }
}
