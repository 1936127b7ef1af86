package dev.tritium.server;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Arrays;

/** The histograms of times. Their names and the edges of their buckets are part of the product. */
enum Latency {
  QUEUE(
      "llm.request.queue",
      "From a request's arrival in the queue until it begins to run",
      Edges.FIRST_TOKEN),
  PREFILL(
      "llm.request.prefill",
      "From a request's beginning to run until its first token",
      Edges.FIRST_TOKEN),
  FIRST_TOKEN(
      "llm.time.to.first.token",
      "From a request's arrival in the queue until its first token",
      Edges.FIRST_TOKEN),
  INTER_TOKEN("llm.inter.token", "From a token of an answer to the next", Edges.INTER_TOKEN),
  DURATION(
      "llm.request.duration",
      "From the head of a request that was queued to the end of its answer",
      Edges.DURATION);

  private final String name;
  private final String description;

  @SuppressWarnings("ImmutableEnumChecker") // nobody writes into it
  private final Duration[] edges; // ascending

  Latency(String name, String description, double[] edgeSeconds) {
    this.name = name;
    this.description = description;
    this.edges =
        Arrays.stream(edgeSeconds)
            .mapToObj(seconds -> Duration.ofNanos(Math.round(1e9 * seconds)))
            .toArray(Duration[]::new);
  }

  /** The histogram for a model; there is one, however often it is asked for. */
  Timer timer(MeterRegistry registry, String model) {
    return Timer.builder(name)
        .description(description)
        .serviceLevelObjectives(edges)
        .tag("model", model)
        .register(registry);
  }

  /** Upper edges of buckets in seconds: vLLM's, so that its dashboards fit. */
  private static final class Edges {
    static final double[] FIRST_TOKEN = {
      .001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80
    };
    static final double[] INTER_TOKEN = {
      .001, .0025, .005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5
    };
    static final double[] DURATION = {
      .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480
    };
  }
}
