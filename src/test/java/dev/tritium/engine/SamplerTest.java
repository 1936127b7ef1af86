package dev.tritium.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.TokenLogprob.Alternative;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.testing.Seeded;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final int[] NONE = {};
  private static final int VOCABULARY = 12;
  private static final int AT = 5; // the row stands in the middle of an array

  private final Sampler sampler = new Sampler(VOCABULARY, new ScalarRowKernels());

  private int draw(float[] logits, Sampling sampling, long step) {
    Penalties penalties = Penalties.of(sampling, VOCABULARY, new int[0]);
    return sampler.sample(logits, AT, sampling, penalties, NONE, null, 0, step);
  }

  /** Logits of one row at {@link #AT} of a longer array. */
  private static float[] row(float... logits) {
    float[] row = new float[AT + VOCABULARY + 3];
    Arrays.fill(row, 100); // would win if it were read
    Arrays.fill(row, AT, AT + VOCABULARY, Float.NEGATIVE_INFINITY);
    System.arraycopy(logits, 0, row, AT, logits.length);
    return row;
  }

  private static float[] ofProbabilities(double... probabilities) {
    float[] logits = new float[probabilities.length];
    for (int id = 0; id < logits.length; id++) {
      logits[id] = (float) Math.log(probabilities[id]);
    }
    return row(logits);
  }

  private static float[] random(SplittableRandom random) {
    float[] logits = new float[VOCABULARY];
    for (int id = 0; id < VOCABULARY; id++) {
      logits[id] = (float) (6 * random.nextDouble() - 3);
    }
    return row(logits);
  }

  /** One of every step of the sampling, or not, by chance. */
  private static Sampling randomSampling(SplittableRandom random) {
    Map<Integer, Double> bias = new HashMap<>();
    for (int n = random.nextInt(3); n > 0; n--) {
      bias.put(random.nextInt(VOCABULARY), 4 * random.nextDouble() - 2);
    }
    return new Sampling(
        0.4 + 1.6 * random.nextDouble(),
        random.nextBoolean() ? 0 : 1 + random.nextInt(VOCABULARY + 2),
        random.nextBoolean() ? 1 : random.nextDouble(),
        random.nextBoolean() ? 0 : 0.3 * random.nextDouble(),
        random.nextBoolean() ? 1 : random.nextDouble(),
        random.nextBoolean() ? 1 : 0.5 + 1.5 * random.nextDouble(),
        random.nextBoolean() ? 0 : 4 * random.nextDouble() - 2,
        random.nextBoolean() ? 0 : 2 * random.nextDouble() - 1,
        bias,
        random.nextLong());
  }

  /** The definition in plain double arithmetic: the probability of each token. */
  private static double[] probabilities(
      float[] logits, Sampling s, int[] prompt, int[] answer, double slack) {
    double[] score = new double[VOCABULARY];
    for (int id = 0; id < VOCABULARY; id++) {
      int token = id;
      long inAnswer = Arrays.stream(answer).filter(other -> other == token).count();
      boolean seen = inAnswer > 0 || Arrays.stream(prompt).anyMatch(other -> other == token);
      score[id] = logits[AT + id];
      if (seen) {
        score[id] =
            score[id] > 0 ? score[id] / s.repetitionPenalty() : score[id] * s.repetitionPenalty();
      }
      score[id] -= inAnswer > 0 ? s.presencePenalty() : 0;
      score[id] -= inAnswer * s.frequencyPenalty();
      score[id] = (score[id] + s.logitBias().getOrDefault(id, 0.0)) / s.temperature();
    }
    List<Integer> kept =
        IntStream.range(0, VOCABULARY)
            .boxed()
            .sorted(Comparator.comparingDouble(id -> -score[id]))
            .limit(s.topK() == 0 ? VOCABULARY : s.topK())
            .toList();
    if (s.typicalP() < 1) {
      double[] p = softmax(score, kept);
      double entropy = kept.stream().mapToDouble(id -> -p[id] * Math.log(p[id])).sum();
      List<Integer> nearest =
          kept.stream()
              .sorted(Comparator.comparingDouble(id -> Math.abs(-Math.log(p[id]) - entropy)))
              .toList();
      kept =
          until(p, nearest, s.typicalP() + slack).stream()
              .sorted(Comparator.comparingDouble(id -> -p[id]))
              .toList();
    }
    if (s.topP() < 1) {
      kept = until(softmax(score, kept), kept, s.topP() + slack);
    }
    double[] p = softmax(score, kept);
    double least = p[kept.getFirst()] * (s.minP() + slack);
    return softmax(score, kept.stream().filter(id -> p[id] >= least).toList());
  }

  private static List<Integer> until(double[] p, List<Integer> ids, double limit) {
    double sum = 0;
    int count = 0;
    do {
      sum += p[ids.get(count++)];
    } while (count < ids.size() && sum < limit);
    return ids.subList(0, count);
  }

  private static double[] softmax(double[] score, List<Integer> ids) {
    double[] p = new double[VOCABULARY];
    double total = ids.stream().mapToDouble(id -> Math.exp(score[id])).sum();
    ids.forEach(id -> p[id] = Math.exp(score[id]) / total);
    return p;
  }

  @Test
  void tokensComeAsOftenAsTheDefinitionSays() {
    int draws = 2_000;
    Seeded.check(
        300,
        random -> {
          float[] logits = random(random);
          Sampling sampling = randomSampling(random);
          int[] prompt = random.ints(random.nextInt(4), 0, VOCABULARY).toArray();
          int[] answer = random.ints(random.nextInt(6), 0, VOCABULARY).toArray();
          double[] p = probabilities(logits, sampling, prompt, answer, 1e-6);
          if (!Arrays.equals(p, probabilities(logits, sampling, prompt, answer, -1e-6))) {
            return; // rounding may decide whether the last token is kept
          }
          Penalties penalties = penalties(sampling, prompt, answer);
          float[] before = logits.clone();
          int[] drawn = new int[VOCABULARY];
          for (int step = 0; step < draws; step++) {
            drawn[sampler.sample(logits, AT, sampling, penalties, NONE, null, 0, step)]++;
          }
          assertArrayEquals(before, logits, "the logits were changed");
          String inputs =
              "%s, prompt %s, answer %s, logits %s: drawn %s"
                  .formatted(
                      sampling,
                      Arrays.toString(prompt),
                      Arrays.toString(answer),
                      Arrays.toString(logits),
                      Arrays.toString(drawn));
          assertFollows(p, drawn, draws, inputs);
        });
  }

  private static @Nullable Penalties penalties(Sampling sampling, int[] prompt, int[] answer) {
    Penalties penalties = Penalties.of(sampling, VOCABULARY, prompt);
    if (penalties != null) {
      Arrays.stream(answer).forEach(penalties::add);
    }
    return penalties;
  }

  /** No token is drawn that was not kept, and the others pass a test like chi-square. */
  private static void assertFollows(double[] p, int[] drawn, int draws, String inputs) {
    double chiSquare = 0;
    for (int id = 0; id < VOCABULARY; id++) {
      double expected = p[id] * draws;
      if (expected == 0) {
        assertEquals(0, drawn[id], () -> "a token that was filtered out; " + inputs);
      } else {
        chiSquare += (drawn[id] - expected) * (drawn[id] - expected) / Math.max(expected, 1);
      }
    }
    assertTrue(chiSquare < 60, "chi-square " + chiSquare + " for " + inputs);
  }

  @Test
  void temperatureZeroTakesTheLowestIdAmongTheLikeliest() {
    assertEquals(1, draw(row(-1, 2, 0, 2, 2), Sampling.greedy(), 0));
    assertEquals(0, draw(row(-0f, 0f), Sampling.greedy(), 0));
  }

  @Test
  void whatKeepsOneTokenIsGreedy() {
    Seeded.check(
        500,
        random -> {
          float[] logits = random(random);
          int greedy = draw(logits, Sampling.greedy(), 0);
          long seed = random.nextLong();
          for (Sampling one :
              List.of(
                  new Sampling(2, 1, 1, 0, 1, 1, 0, 0, Map.of(), seed),
                  new Sampling(2, 0, 0, 0, 1, 1, 0, 0, Map.of(), seed),
                  new Sampling(2, 0, 1, 1, 1, 1, 0, 0, Map.of(), seed),
                  Sampling.plain(seed).withTemperature(1e-10),
                  Sampling.plain(seed).withTemperature(1e-60),
                  Sampling.plain(seed).withTemperature(Double.MIN_VALUE))) {
            assertEquals(greedy, draw(logits, one, 0), () -> one + " " + Arrays.toString(logits));
          }
        });
  }

  @Test
  void typicalSamplingLeavesOutTheLikeliestTokenWhenItTellsTooLittle() {
    // Entropy 1.505: the surprise of 0.15, 1.897, is nearer to it than that of 0.4, 0.916.
    float[] logits = ofProbabilities(0.4, 0.15, 0.15, 0.15, 0.15);
    Sampling typical = new Sampling(1, 0, 1, 0, 0.5, 1, 0, 0, Map.of(), 1);
    for (int step = 0; step < 500; step++) {
      int id = draw(logits, typical, step);
      assertTrue(id >= 1 && id <= 4, "step " + step + " drew " + id);
    }
  }

  @Test
  void aBiasOf100DecidesAndOneOfMinus100Forbids() {
    float[] logits = row(20, -20, 0, 0);
    for (int step = 0; step < 500; step++) {
      Sampling sure = new Sampling(1, 0, 1, 0, 1, 1, 0, 0, Map.of(1, 100.0), 3);
      assertEquals(1, draw(logits, sure, step));
      Sampling never = new Sampling(1, 0, 1, 0, 1, 1, 0, 0, Map.of(0, -100.0), 3);
      assertTrue(draw(logits, never, step) != 0, "step " + step);
    }
  }

  @Test
  void bannedTokensAreNeverDrawn() {
    float[] logits = row(50, -1000, 40, -1000);
    int[] banned = {0, 2};
    for (Sampling sampling :
        List.of(
            Sampling.greedy(),
            Sampling.plain(1),
            new Sampling(2, 3, 1, 0, 1, 1, 0, 0, Map.of(0, 100.0), 1),
            new Sampling(1, 0, 0.99, 0, 1, 1, 0, 0, Map.of(), 1),
            new Sampling(1, 0, 1, 0, 0.99, 1, 0, 0, Map.of(), 1),
            new Sampling(1, 0, 1, 0.001, 1, 1, 0, 0, Map.of(), 1))) {
      for (int step = 0; step < 200; step++) {
        Penalties penalties = Penalties.of(sampling, VOCABULARY, new int[0]);
        int id = sampler.sample(logits, AT, sampling, penalties, banned, null, 0, step);
        assertTrue(id == 1 || id == 3, () -> sampling + " drew " + id);
      }
    }
  }

  @Test
  void presenceAndFrequencyCountTheAnswerAloneAndRepetitionThePromptToo() {
    Sampling sampling = new Sampling(1, 0, 1, 0, 1, 2, 0.5, 0.25, Map.of(0, 0.5), 0);
    Penalties penalties = Objects.requireNonNull(Penalties.of(sampling, 4, new int[] {0, 1, 1}));
    for (int id : new int[] {1, 2, 2}) {
      penalties.add(id);
    }
    float[] logits = {4, -4, 4, 4};
    penalties.apply(logits);
    assertArrayEquals(new float[] {2.5f, -8 - 0.75f, 2 - 1, 4}, logits);
  }

  @Test
  void aDrawDependsOnSeedChoiceAndStepAlone() {
    float[] logits = row(new float[VOCABULARY]);
    Sampling sampling = Sampling.plain(11);
    int[] first = new int[100];
    int[] otherChoice = new int[100];
    int[] otherSeed = new int[100];
    for (int step = 0; step < 100; step++) {
      first[step] = draw(logits, sampling, step);
      otherChoice[step] = sampler.sample(logits, AT, sampling, null, NONE, null, 1, step);
      otherSeed[step] = draw(logits, sampling.withSeed(12), step);
    }
    for (int step = 99; step >= 0; step--) {
      assertEquals(first[step], draw(logits, sampling, step), "step " + step);
    }
    assertTrue(!Arrays.equals(first, otherChoice) && !Arrays.equals(first, otherSeed));
  }

  @Test
  void logprobsAreTheModelsOwnAndTheTokensEntryIsTheSameDouble() {
    Seeded.check(
        300,
        random -> {
          float[] logits = random(random);
          logits[AT + 3] = logits[AT + 7]; // a tie
          int id = random.nextInt(VOCABULARY);
          TokenLogprob entry = sampler.logprob(logits, AT, id, VOCABULARY + 5);
          assertEquals(VOCABULARY, entry.top().size());
          double sum = 0;
          double total = 0;
          for (int other = 0; other < VOCABULARY; other++) {
            total += Math.exp(logits[AT + other]);
          }
          for (int place = 0; place < VOCABULARY; place++) {
            Alternative a = entry.top().get(place);
            sum += Math.exp(a.logprob());
            assertEquals(Math.log(Math.exp(logits[AT + a.id()]) / total), a.logprob(), 1e-5);
            if (place > 0) {
              Alternative before = entry.top().get(place - 1);
              assertTrue(
                  before.logprob() > a.logprob()
                      || (before.logprob() == a.logprob() && before.id() < a.id()),
                  () -> "order of " + entry.top());
            }
            if (a.id() == id) {
              assertEquals(entry.logprob(), a.logprob());
            }
          }
          assertEquals(1, sum, 1e-5);
          assertEquals(entry.top().subList(0, 2), sampler.logprob(logits, AT, id, 2).top());
        });
  }

  @Test
  void logprobsMayComeWithoutAlternatives() {
    TokenLogprob entry = sampler.logprob(ofProbabilities(0.25, 0.75), AT, 0, 0);
    assertEquals(List.of(), entry.top());
    assertEquals(Math.log(0.25), entry.logprob(), 1e-6);
  }
}
