package dev.tritium.cli;

import dev.tritium.cli.BenchReport.BatchedDecode;
import dev.tritium.engine.Sampler;
import dev.tritium.engine.Sampling;
import dev.tritium.kernel.Kernels;
import dev.tritium.model.Batch;
import dev.tritium.model.Batch.Group;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.SequenceState;
import dev.tritium.scheduler.SchedulerLimits;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Measures a whole model, from embedding to sampled token, in batches such as the server runs.
 *
 * <p>Everything is measured in turn, round after round, so that a machine that changes its pace
 * changes it for all alike.
 */
final class Benchmark {
  private static final long MEASUREMENT_NANOS = 500_000_000;
  private static final long WARM_UP_NANOS = 200_000_000; // of each thing in turn
  private static final long LEAST_WARM_UP_NANOS = 3_000_000_000L;
  private static final long MOST_WARM_UP_NANOS = 20_000_000_000L;
  private static final int STEP_ROWS = SchedulerLimits.defaults().stepRows();
  private static final int[] FIRST_ROW = {0};

  private final LanguageModel model;
  private final TimedProducts products;
  private final Sampler sampler;
  private final Optional<DecodeEnergy> energy;
  private final Series memory;
  private final Series decode; // of one sequence
  private final Map<Integer, Series> batches = new LinkedHashMap<>(); // by rows
  private final Series prefill;
  private final Set<Series> all = new LinkedHashSet<>();
  private long samplingNanos;

  /**
   * A benchmark of a model that runs on {@code kernels}.
   *
   * @param products what {@code kernels} multiply with
   * @param batches numbers of sequences that decode together
   * @param promptTokens length of the prompt
   * @param energy counts that of one sequence; empty: nobody does
   */
  Benchmark(
      LanguageModel model,
      Kernels kernels,
      TimedProducts products,
      MemoryReader reader,
      List<Integer> batches,
      int promptTokens,
      Optional<DecodeEnergy> energy) {
    this.model = model;
    this.products = products;
    this.sampler = new Sampler(model.description().vocabularySize(), kernels.rows());
    this.energy = energy;
    this.memory = new Series(MemoryReader.BYTES, reader::read);
    this.decode = decode(1);
    for (int rows : batches) {
      this.batches.computeIfAbsent(rows, n -> n == 1 ? decode : decode(n));
    }
    int[] prompt =
        new Random(1).ints(promptTokens, 0, model.description().vocabularySize()).toArray();
    this.prefill = new Series(promptTokens, () -> prefill(prompt));
    all.add(memory);
    all.add(decode);
    all.addAll(this.batches.values());
    all.add(prefill);
  }

  /** One step of {@code rows} sequences, which go on from where the last one left them. */
  private Series decode(int rows) {
    SequenceState[] states = new SequenceState[rows];
    Arrays.setAll(states, s -> model.newState());
    int[] tokens = new int[rows]; // each sequence's latest
    Arrays.setAll(tokens, s -> s % model.description().vocabularySize());
    return new Series(
        rows,
        () -> {
          Batch batch = new Batch();
          for (int s = 0; s < rows; s++) {
            batch.add(states[s], new int[] {tokens[s]}, FIRST_ROW, Batch.NONE);
          }
          model.forward(batch);
          for (int s = 0; s < rows; s++) {
            tokens[s] = sample(batch, batch.groups().get(s));
          }
        });
  }

  /** Runs a prompt up to its first token. */
  private void prefill(int[] prompt) {
    SequenceState state = model.newState();
    for (int first = 0; first < prompt.length; first += STEP_ROWS) {
      int end = Math.min(prompt.length, first + STEP_ROWS);
      int[] wanted = end == prompt.length ? new int[] {end - first - 1} : Batch.NONE;
      Batch batch = new Batch();
      Group group = batch.add(state, Arrays.copyOfRange(prompt, first, end), wanted, Batch.NONE);
      model.forward(batch);
      if (wanted.length > 0) {
        sample(batch, group);
      }
    }
  }

  private int sample(Batch batch, Group group) {
    long start = System.nanoTime();
    int token =
        sampler.sample(
            batch.logits().values(),
            group.logitsAt(0),
            Sampling.plain(0),
            null,
            Batch.NONE,
            null,
            0,
            group.state().tokenCount());
    samplingNanos += System.nanoTime() - start;
    return token;
  }

  /** Runs everything until nothing gets faster any more: the JVM compiles what is used. */
  void warmUp() {
    long start = System.nanoTime();
    long elapsed = 0;
    int settled = 0;
    while (elapsed < LEAST_WARM_UP_NANOS || (settled < 2 && elapsed < MOST_WARM_UP_NANOS)) {
      boolean faster = false;
      for (Series series : all) {
        faster |= series.warmUp();
      }
      settled = faster ? 0 : settled + 1;
      elapsed = System.nanoTime() - start;
    }
  }

  /** Measures everything once. */
  void round() {
    for (Series series : all) {
      Optional<DecodeEnergy> counted = energy.filter(e -> series == decode);
      counted.ifPresent(DecodeEnergy::begin);
      long steps = series.measure();
      counted.ifPresent(e -> e.end(steps));
    }
  }

  /** What is known of the model's speed after one round or more. */
  BenchReport report(String name, int threads) {
    long before = products.weightBytes();
    decode.step.run();
    long weightBytes = products.weightBytes() - before;
    double tokens = decode.median();
    return new BenchReport(
        name,
        model.description().parameters(),
        products.name(),
        products.vectorBits(),
        threads,
        memory.rates.size(),
        Cpu.read(),
        new BenchReport.Memory(
            memory.median(), memory.best(), weightBytes, model.description().stateBytes()),
        new BenchReport.Decode(
            tokens,
            decode.best(),
            tokens * weightBytes,
            tokens * weightBytes / memory.median(),
            decode.share(decode.inProducts),
            decode.share(decode.inSampling),
            decode.share(decode.nanos - decode.inProducts - decode.inSampling)),
        batches.entrySet().stream().map(e -> report(e.getKey(), e.getValue())).toList(),
        new BenchReport.Prefill((int) prefill.units, prefill.median(), prefill.best()),
        energy.map(DecodeEnergy::report).orElse(null));
  }

  private BatchedDecode report(int rows, Series batch) {
    double speedup = batch.median() / decode.median();
    return new BatchedDecode(rows, batch.median(), batch.best(), speedup);
  }

  /** Something done over and over, and its speed in each round. */
  private final class Series {
    private final double units; // of one step: tokens or bytes
    private final Runnable step;
    private final List<Double> rates = new ArrayList<>(); // units per second
    private long bestStepNanos = Long.MAX_VALUE; // while it warmed up
    private long nanos; // of all measurements together, and parts of them:
    private long inProducts;
    private long inSampling;

    Series(double units, Runnable step) {
      this.units = units;
      this.step = step;
    }

    /** Returns whether a step was clearly faster than all before. */
    boolean warmUp() {
      long best = bestStepNanos;
      long start = System.nanoTime();
      long end = start;
      while (end - start < WARM_UP_NANOS) {
        long began = end;
        step.run();
        end = System.nanoTime();
        bestStepNanos = Math.min(bestStepNanos, end - began);
      }
      return bestStepNanos < 0.95 * best;
    }

    /** Returns how many steps it ran. */
    long measure() {
      long productsBefore = products.nanos();
      long samplingBefore = samplingNanos;
      long start = System.nanoTime();
      long elapsed = 0;
      long steps = 0;
      while (elapsed < MEASUREMENT_NANOS) {
        step.run();
        steps++;
        elapsed = System.nanoTime() - start;
      }
      rates.add(units * steps * 1e9 / elapsed);
      nanos += elapsed;
      inProducts += products.nanos() - productsBefore;
      inSampling += samplingNanos - samplingBefore;
      return steps;
    }

    double share(long part) {
      return (double) part / nanos;
    }

    double median() {
      double[] sorted = sorted();
      int middle = sorted.length / 2;
      return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    double best() {
      return sorted()[rates.size() - 1];
    }

    private double[] sorted() {
      return rates.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    }
  }
}
