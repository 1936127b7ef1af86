package dev.tritium.testing;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Metrics in Prometheus's text format.
 *
 * @param types of the families, by name
 */
public record Exposition(Map<String, String> types, List<Sample> samples) {
  private static final Pattern TYPE = Pattern.compile("# TYPE (\\w+) (\\w+)");
  private static final Pattern SAMPLE = Pattern.compile("(\\w+)(?:\\{(.*)})? (\\S+)");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\",?");
  private static final Pattern PART = Pattern.compile("(.+)_(?:bucket|count|sum)");

  /** One value. */
  public record Sample(String name, Map<String, String> labels, double value) {}

  /** A server's. */
  public static Exposition of(Api api) {
    return of(api.get("/q/metrics", "Accept", "text/plain").body()); // not OpenMetrics
  }

  /** Reads it; fails unless each line is as the format says. */
  public static Exposition of(String text) {
    Map<String, String> types = new TreeMap<>();
    List<Sample> samples = new ArrayList<>();
    for (String line : text.lines().toList()) {
      Matcher type = TYPE.matcher(line);
      if (type.matches()) {
        assertNull(types.put(type.group(1), type.group(2)), () -> "twice: " + line);
      } else if (!line.startsWith("#")) {
        samples.add(sample(line));
      }
    }
    return new Exposition(types, samples);
  }

  private static Sample sample(String line) {
    Matcher parts = SAMPLE.matcher(line);
    assertTrue(parts.matches(), line);
    Map<String, String> labels = new HashMap<>();
    Matcher label = LABEL.matcher(parts.group(2) == null ? "" : parts.group(2));
    while (label.find()) {
      labels.put(label.group(1), label.group(2));
    }
    return new Sample(parts.group(1), labels, Double.parseDouble(parts.group(3)));
  }

  /** The name of the family that a sample belongs to. */
  public String family(Sample sample) {
    Matcher part = PART.matcher(sample.name);
    return part.matches() && types.containsKey(part.group(1)) ? part.group(1) : sample.name;
  }

  /** The sum over all labels; 0 if there is no such sample. */
  public double sum(String name) {
    return samples.stream().filter(s -> s.name.equals(name)).mapToDouble(Sample::value).sum();
  }

  /** How many values of a histogram each bucket has, by its edge, over all labels. */
  public TreeMap<Double, Double> buckets(String histogram) {
    TreeMap<Double, Double> upTo = new TreeMap<>();
    for (Sample sample : samples) {
      if (sample.name.equals(histogram + "_bucket")) {
        String edge = sample.labels.getOrDefault("le", "").replace("+Inf", "Infinity");
        upTo.merge(Double.parseDouble(edge), sample.value, Double::sum);
      }
    }
    assertTrue(upTo.containsKey(Double.POSITIVE_INFINITY), "no histogram " + histogram);
    TreeMap<Double, Double> buckets = new TreeMap<>();
    upTo.forEach(
        (edge, count) -> {
          Map.Entry<Double, Double> below = upTo.lowerEntry(edge);
          buckets.put(edge, below == null ? count : count - below.getValue());
        });
    return buckets;
  }
}
