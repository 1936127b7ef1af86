package dev.tritium.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.kernel.vector.VectorRowKernels;
import dev.tritium.testing.Seeded;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * The sampler never sorts a vocabulary; it draws what this definition draws, which sorts it all.
 */
class SamplerDefinitionTest {

  /** The token that is drawn, from the scores after penalties; -infinity for banned tokens. */
  private static int definition(float[] scores, Sampling s, double uniform) {
    List<Integer> kept =
        new ArrayList<>(IntStream.range(0, scores.length).boxed().sorted(byScore(scores)).toList());
    int best = kept.getFirst();
    if (s.temperature() == 0) {
      return best;
    }
    float[] exponents = new float[scores.length];
    double[] weights = new double[scores.length];
    for (int id = 0; id < scores.length; id++) {
      float exponent = (scores[id] - scores[best]) * (float) (1 / s.temperature());
      exponents[id] = Math.max(exponent, -87);
      weights[id] = exponent == Float.NEGATIVE_INFINITY ? 0 : ScalarRowKernels.exp(exponent);
    }
    if (s.topK() > 0) {
      kept = kept.subList(0, Math.min(s.topK(), kept.size()));
    }
    kept = kept.stream().filter(id -> weights[id] > 0).toList();
    if (s.typicalP() < 1) {
      double total = sum(kept, weights);
      double mean = kept.stream().mapToDouble(id -> weights[id] / total * exponents[id]).sum();
      Comparator<Integer> byDistance =
          Comparator.comparingDouble(id -> (float) Math.abs(exponents[id] - mean));
      List<Integer> nearest = kept.stream().sorted(byDistance.thenComparing(id -> id)).toList();
      kept =
          until(s.typicalP() * total, nearest, weights).stream().sorted(byScore(scores)).toList();
    }
    if (s.topP() < 1) {
      kept = until(s.topP() * sum(kept, weights), kept, weights);
    }
    double least = s.minP() * weights[kept.getFirst()];
    kept = kept.stream().filter(id -> weights[id] >= least).toList();
    if (s.topK() == 0 && s.typicalP() == 1 && s.topP() == 1 && s.minP() == 0) {
      kept = kept.stream().sorted().toList(); // where all are kept, the ids are the order
    }
    double target = uniform * sum(kept, weights);
    double sum = 0;
    for (int id : kept) {
      sum += weights[id];
      if (sum > target) {
        return id;
      }
    }
    throw new AssertionError("the target " + target + " was not reached");
  }

  private static Comparator<Integer> byScore(float[] scores) {
    return Comparator.<Integer>comparingDouble(id -> -(scores[id] + 0.0)).thenComparing(id -> id);
  }

  private static double sum(List<Integer> ids, double[] weights) {
    double sum = 0;
    for (int id : ids) {
      sum += weights[id];
    }
    return sum;
  }

  private static List<Integer> until(double limit, List<Integer> ids, double[] weights) {
    double sum = 0;
    int count = 0;
    do {
      sum += weights[ids.get(count++)];
    } while (count < ids.size() && sum < limit);
    return ids.subList(0, count);
  }

  @Test
  void everyDrawIsThatOfTheDefinition() {
    Seeded.check(
        600,
        random -> {
          int vocabulary = random.nextInt(8) == 0 ? 5_000 : 1 + random.nextInt(300);
          float[] logits = logits(random, vocabulary);
          int[] banned = random.ints(random.nextInt(3), 0, vocabulary).toArray();
          if (vocabulary <= banned.length) {
            banned = new int[0];
          }
          float[] scores = logits.clone();
          for (int id : banned) {
            scores[id] = Float.NEGATIVE_INFINITY;
          }
          Sampling sampling = sampling(random, vocabulary);
          Sampler scalar = new Sampler(vocabulary, new ScalarRowKernels());
          Sampler vector = new Sampler(vocabulary, new VectorRowKernels());
          for (int step = 0; step < 3; step++) {
            double uniform = new Philox().uniform(sampling.seed(), 1, step);
            int expected = definition(scores, sampling, uniform);
            String inputs = sampling + ", vocabulary " + vocabulary + ", step " + step;
            assertEquals(
                expected, scalar.sample(logits, 0, sampling, null, banned, null, 1, step), inputs);
            assertEquals(
                expected, vector.sample(logits, 0, sampling, null, banned, null, 1, step), inputs);
          }
        });
  }

  /** Flat, peaked or full of ties. */
  private static float[] logits(SplittableRandom random, int vocabulary) {
    float[] logits = new float[vocabulary];
    double size =
        switch (random.nextInt(3)) {
          case 0 -> 0.1;
          case 1 -> 3;
          default -> 30;
        };
    boolean ties = random.nextInt(4) == 0;
    for (int id = 0; id < vocabulary; id++) {
      logits[id] = (float) (size * random.nextGaussian());
      logits[id] = ties ? Math.round(logits[id]) : logits[id];
    }
    return logits;
  }

  /** One, some or all of the filters. */
  private static Sampling sampling(SplittableRandom random, int vocabulary) {
    double[] p = {0, 1e-9, 0.1, 0.5, 0.9, 0.99, 1 - 1e-9};
    return new Sampling(
        random.nextInt(10) == 0 ? 0 : 0.2 + 2 * random.nextDouble(),
        random.nextBoolean() ? 0 : 1 + random.nextInt(vocabulary + 5),
        random.nextBoolean() ? 1 : p[random.nextInt(p.length)],
        random.nextBoolean() ? 0 : p[random.nextInt(p.length)],
        random.nextBoolean() ? 1 : p[1 + random.nextInt(p.length - 1)],
        1,
        0,
        0,
        Map.of(),
        random.nextLong());
  }

  @Test
  void aLongVocabularyOfEqualTokensIsDrawnInTheOrderOfIds() {
    int vocabulary = 100_000;
    Sampler sampler = new Sampler(vocabulary, new VectorRowKernels());
    for (Sampling sampling :
        List.of(
            Sampling.plain(5),
            new Sampling(1, 0, 0.5, 0, 1, 1, 0, 0, Map.of(), 5),
            new Sampling(1, 50_000, 1, 0, 1, 1, 0, 0, Map.of(), 5),
            new Sampling(1, 0, 1, 0, 0.5, 1, 0, 0, Map.of(), 5))) {
      int kept = sampling.equals(Sampling.plain(5)) ? vocabulary : vocabulary / 2;
      for (int step = 0; step < 20; step++) {
        int id =
            sampler.sample(new float[vocabulary], 0, sampling, null, new int[0], null, 0, step);
        assertEquals((int) (kept * new Philox().uniform(5, 0, step)), id, sampling.toString());
        assertTrue(id < kept, sampling.toString());
      }
    }
  }
}
