package dev.tritium.scheduler;

import dev.tritium.engine.Logprobs;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.Sampler;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.Sequence;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.model.Batch;
import dev.tritium.model.LanguageModel;
import dev.tritium.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Steps of sequences that nobody asked for, so that the JVM compiles what real ones need: code that
 * is not compiled yet is a hundred times slower.
 *
 * <p>A round begins four sequences, one for each way to draw, in one prefill; then come steps of
 * all four, then of one alone: the shapes that kernels have code of their own for. Once these have
 * settled, steps of two and three have their turn, and prefills of 17 to 19 rows.
 */
final class WarmUp {
  private static final int LONGEST_PROMPT = 4; // 16 rows of a prefill, short with a large model too
  private static final int STEPS_OF_FOUR = 4;
  private static final int STEPS_OF_ONE = 8;
  private static final StopRules ANSWER =
      new StopRules(1 + STEPS_OF_FOUR + STEPS_OF_ONE, 0, List.of(), Set.of());
  private static final List<Sampling> DRAWS =
      List.of(
          Sampling.plain(0),
          Sampling.greedy(),
          new Sampling(1, 40, 1, 0, 1, 1, 0, 0, Map.of(), 0),
          new Sampling(1, 0, 0.9, 0, 1, 1, 0, 0, Map.of(), 0));

  /** The compiler may need that long until a step becomes faster. */
  private static final long SETTLED_AFTER_NANOS = 300_000_000;

  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final Sampler sampler;
  private final long[] bestNanos =
      new long[1 + DRAWS.size()]; // of a prefill, a step of one to four
  private List<Sequence> sequences = List.of();
  private int rounds;
  private int step; // of this round
  private boolean improved; // in this round
  private boolean settled;
  private long lastImproved = System.nanoTime();

  WarmUp(LanguageModel model, Tokenizer tokenizer, Sampler sampler) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.sampler = sampler;
    Arrays.fill(bestNanos, Long.MAX_VALUE);
  }

  /** Runs the next step. Only for the thread that steps the scheduler. */
  void step() {
    if (step == 0) {
      int prompt = rounds < 2 ? 1 << rounds : LONGEST_PROMPT; // the first steps are slow enough
      sequences = new ArrayList<>();
      for (Sampling draw : DRAWS) {
        int more = settled && sequences.isEmpty() ? rounds % 4 : 0;
        sequences.add(sequence(prompt + more, draw));
      }
    } else if (step == 1 + STEPS_OF_FOUR) {
      sequences = List.of(sequences.get(rounds % sequences.size()));
    } else if (step == 1 && settled) {
      sequences = sequences.subList(0, 2 + rounds % 3); // kernels have tiles for two and three too
    }
    int shape = step == 0 ? 0 : sequences.size();
    long start = System.nanoTime();
    runBatch();
    note(shape, System.nanoTime() - start);
    step++;
    if (step == 1 + STEPS_OF_FOUR + STEPS_OF_ONE) {
      settled |= !improved && System.nanoTime() - lastImproved > SETTLED_AFTER_NANOS;
      improved = false;
      step = 0;
      rounds++;
    }
  }

  /** Whether there was a round in which no kind of step had become faster by a tenth lately. */
  boolean isSettled() {
    return settled;
  }

  private Sequence sequence(int prompt, Sampling draw) {
    return new Sequence(
        new SequenceRequest(new int[prompt], 0, draw, ANSWER, Logprobs.NONE),
        new RequestAccount(prompt, null),
        model.newState(),
        model.description().vocabularySize(),
        tokenizer);
  }

  private void runBatch() {
    Batch batch = new Batch();
    sequences.forEach(sequence -> sequence.addTo(batch, LONGEST_PROMPT + 3, Batch.NONE));
    model.forward(batch);
    for (int s = 0; s < sequences.size(); s++) {
      sequences.get(s).advance(batch, batch.groups().get(s), sampler);
    }
  }

  private void note(int shape, long nanos) {
    if (nanos < 0.9 * bestNanos[shape]) {
      bestNanos[shape] = nanos;
      improved = true;
      lastImproved = System.nanoTime();
    }
  }
}
