package dev.tritium.loadtests;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** What clients saw in a part of a run; many threads may write. */
final class Phase {
  private static final int DIGITS = 3; // that times are kept with

  private final Histogram firstMicros = new ConcurrentHistogram(DIGITS);
  private final Histogram gapMicros = new ConcurrentHistogram(DIGITS);
  private final Histogram wholeMicros = new ConcurrentHistogram(DIGITS);
  private final Histogram tokenMicros = new ConcurrentHistogram(DIGITS); // the mean of each answer

  private final String name;
  private final Map<String, Integer> problems = new TreeMap<>();
  private final Map<String, Integer> notes = new TreeMap<>();
  private int whole;
  private int left;
  private int refused;
  private int requests;
  private long tokens;
  private long firstSentNanos = Long.MAX_VALUE;
  private long lastNanos = Long.MIN_VALUE;

  Phase(String name) {
    this.name = name;
  }

  String name() {
    return name;
  }

  synchronized Answer begin(int wantedTokens) {
    long now = System.nanoTime();
    requests++;
    firstSentNanos = Math.min(firstSentNanos, now);
    return new Answer(now, wantedTokens, gapMicros);
  }

  /** Counts an answer that has come to its end, or will not any more. */
  synchronized void end(Answer answer) {
    String problem = answer.problem();
    if (problem != null) {
      fail(problem);
    } else {
      whole++;
      tokenMicros.recordValue(answer.tokenMicros());
      wholeMicros.recordValue((answer.lastNanos() - answer.sentNanos()) / 1_000);
    }
    if (answer.events() > 0) {
      firstMicros.recordValue(answer.firstMicros());
      tokens += answer.tokens();
      lastNanos = Math.max(lastNanos, answer.lastNanos());
    }
  }

  /** Counts an answer whose client left before it came. */
  synchronized void leave() {
    left++;
  }

  /** Counts an answer that its client left in the middle. */
  synchronized void leave(Answer answer) {
    left++;
    if (answer.events() > 0) {
      firstMicros.recordValue(answer.firstMicros());
    }
  }

  /** Counts a whole answer whose tokens nobody looked at one by one. */
  synchronized void complete(Answer answer) {
    whole++;
    wholeMicros.recordValue((System.nanoTime() - answer.sentNanos()) / 1_000);
  }

  /** Counts a request that was refused as it should be. */
  synchronized void refuse() {
    refused++;
  }

  synchronized void fail(String problem) {
    problems.merge(problem, 1, Integer::sum);
  }

  /** A remark for the report. */
  synchronized void note(String text) {
    notes.merge(text, 1, Integer::sum);
  }

  synchronized int whole() {
    return whole;
  }

  synchronized int refused() {
    return refused;
  }

  synchronized Map<String, Integer> problems() {
    return Map.copyOf(problems);
  }

  synchronized int failed() {
    return problems.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** Requests of which nothing is known. */
  synchronized int open() {
    return requests - whole - left - refused - failed();
  }

  /** Tokens of answers each second, from the first request to the last token; 0 without any. */
  synchronized double tokensPerSecond() {
    return lastNanos > firstSentNanos ? tokens * 1e9 / (lastNanos - firstSentNanos) : 0;
  }

  /** Of the times to the first token. */
  OptionalDouble firstMillis(double percentile) {
    return at(firstMicros, percentile);
  }

  /** Of the times between events of an answer. */
  OptionalDouble gapMillis(double percentile) {
    return at(gapMicros, percentile);
  }

  /** Of the mean times from a token to the next of each answer. */
  OptionalDouble tokenMillis(double percentile) {
    return at(tokenMicros, percentile);
  }

  /** A line of the report: columns and their values. */
  synchronized Map<String, String> row() {
    Map<String, String> row = new LinkedHashMap<>();
    row.put("phase", name);
    row.put("requests", String.valueOf(requests));
    row.put("whole", String.valueOf(whole));
    row.put("left", String.valueOf(left));
    row.put("refused", String.valueOf(refused));
    row.put("failed", String.valueOf(failed()));
    row.put("tokens/s", lastNanos > firstSentNanos ? "%.0f".formatted(tokensPerSecond()) : "-");
    row.put("first ms p50", millis(firstMicros, 50));
    row.put("p95", millis(firstMicros, 95));
    row.put("p99", millis(firstMicros, 99));
    row.put("gap ms p50", millis(gapMicros, 50));
    row.put("gap p99", millis(gapMicros, 99));
    row.put("gap max", millis(gapMicros, 100));
    row.put("token ms p50", millis(tokenMicros, 50));
    row.put("answer ms p50", millis(wholeMicros, 50));
    row.put("answer p99", millis(wholeMicros, 99));
    row.put("remarks", String.join("; ", remarks()));
    return row;
  }

  private List<String> remarks() {
    List<String> remarks = new ArrayList<>();
    notes.forEach((note, times) -> remarks.add(times + " x " + note));
    problems.forEach((problem, times) -> remarks.add(times + " x " + problem));
    return remarks;
  }

  private static String millis(Histogram micros, double percentile) {
    OptionalDouble millis = at(micros, percentile);
    return millis.isEmpty()
        ? "-"
        : String.format(
            Locale.ROOT, millis.getAsDouble() < 10 ? "%.2f" : "%.0f", millis.getAsDouble());
  }

  private static OptionalDouble at(Histogram micros, double percentile) {
    return micros.getTotalCount() == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(micros.getValueAtPercentile(percentile) / 1_000.0);
  }
}
