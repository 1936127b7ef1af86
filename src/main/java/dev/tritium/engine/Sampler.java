package dev.tritium.engine;

import dev.tritium.engine.TokenLogprob.Alternative;
import dev.tritium.kernel.RowKernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Draws tokens from logits. One sampler serves all sequences of an engine thread; what differs
 * between them comes with each call, so an answer does not depend on its neighbours.
 */
public final class Sampler {
  private final RowKernels rows;
  private final float[] scores; // [vocabulary]
  private final float[] weights; // [vocabulary]

  public Sampler(int vocabulary, RowKernels rows) {
    this.rows = rows;
    this.scores = new float[vocabulary];
    this.weights = new float[vocabulary];
  }

  /**
   * Draws one token.
   *
   * @param logits the row is at [at, at + vocabulary); left as it was
   * @param counts needed when the sampling has penalties
   * @param banned tokens that must not be drawn
   * @param choice and {@code step} select the random number
   */
  public int sample(
      float[] logits,
      int at,
      Sampling sampling,
      @Nullable TokenCounts counts,
      Set<Integer> banned,
      int choice,
      long step) {
    System.arraycopy(logits, at, scores, 0, scores.length);
    if (counts != null) {
      counts.penalise(scores, sampling);
    }
    for (Map.Entry<Integer, Double> bias : sampling.logitBias().entrySet()) {
      scores[bias.getKey()] += bias.getValue().floatValue();
    }
    for (int id : banned) {
      scores[id] = Float.NEGATIVE_INFINITY;
    }
    if (sampling.temperature() == 0) {
      return TopK.select(scores, 0, scores.length, 1)[0];
    }
    double uniform = Philox.uniform(sampling.seed(), choice, step);
    return keepsAll(sampling) ? drawFromAll(sampling, uniform) : drawFromBest(sampling, uniform);
  }

  private static boolean keepsAll(Sampling s) {
    return s.topK() == 0 && s.topP() == 1 && s.minP() == 0 && s.typicalP() == 1;
  }

  /** exp((score - max) / temperature) for every token; 0 for banned ones. */
  private void weigh(float max, double temperature) {
    rows.expOfDifference(scores, 0, max, (float) (1 / temperature), weights, 0, scores.length);
    for (int id = 0; id < scores.length; id++) {
      if (scores[id] == Float.NEGATIVE_INFINITY) {
        weights[id] = 0;
      }
    }
  }

  private int drawFromAll(Sampling sampling, double uniform) {
    int best = TopK.select(scores, 0, scores.length, 1)[0];
    weigh(scores[best], sampling.temperature());
    double total = 0;
    for (float weight : weights) {
      total += weight;
    }
    double target = uniform * total;
    double sum = 0;
    for (int id = 0; id < weights.length; id++) {
      sum += weights[id];
      if (sum > target) {
        return id;
      }
    }
    return best; // only when every weight before rounding away was 0
  }

  private int drawFromBest(Sampling sampling, double uniform) {
    int kept = sampling.topK() == 0 ? scores.length : Math.min(sampling.topK(), scores.length);
    int[] ids = TopK.select(scores, 0, scores.length, kept);
    weigh(scores[ids[0]], sampling.temperature());
    if (sampling.typicalP() < 1) {
      ids = typical(ids, sampling.typicalP());
    }
    ids = Arrays.copyOf(ids, nucleus(ids, sampling.topP()));
    double least = sampling.minP() * weights[ids[0]];
    double total = 0;
    int count = 0;
    while (count < ids.length && weights[ids[count]] >= least && weights[ids[count]] > 0) {
      total += weights[ids[count++]];
    }
    double target = uniform * total;
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += weights[ids[i]];
      if (sum > target) {
        return ids[i];
      }
    }
    return ids[0];
  }

  /** How many of the likeliest tokens it takes for their probabilities to sum to p; at least 1. */
  private int nucleus(int[] ids, double p) {
    if (p == 1) {
      return ids.length;
    }
    double limit = p * total(ids);
    double sum = 0;
    int count = 0;
    do {
      sum += weights[ids[count++]];
    } while (count < ids.length && sum < limit);
    return count;
  }

  /** The tokens whose surprise is nearest to the entropy, until they sum to p; likeliest first. */
  private int[] typical(int[] ids, double p) {
    double total = total(ids);
    double entropy = 0;
    double[] surprises = new double[ids.length];
    for (int i = 0; i < ids.length; i++) {
      double probability = weights[ids[i]] / total;
      surprises[i] = probability > 0 ? -StrictMath.log(probability) : Double.POSITIVE_INFINITY;
      entropy += probability > 0 ? probability * surprises[i] : 0;
    }
    double mean = entropy;
    int[] nearest =
        IntStream.range(0, ids.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> Math.abs(surprises[i] - mean)))
            .mapToInt(Integer::intValue)
            .toArray();
    double limit = p * total;
    double sum = 0;
    int count = 0;
    do {
      sum += weights[ids[nearest[count++]]];
    } while (count < nearest.length && sum < limit);
    int[] kept = Arrays.copyOf(nearest, count);
    Arrays.sort(kept); // places in ids, so likeliest first again
    return Arrays.stream(kept).map(place -> ids[place]).toArray();
  }

  private double total(int[] ids) {
    double total = 0;
    for (int id : ids) {
      total += weights[id];
    }
    return total;
  }

  /**
   * The log-probability of a token in the model's own distribution, with the likeliest others.
   *
   * @param logits the row is at [at, at + vocabulary)
   * @param top how many of the likeliest tokens to list
   */
  TokenLogprob logprob(float[] logits, int at, int id, int top) {
    double logSum = rows.logSumExp(logits, at, scores.length);
    List<Alternative> likeliest = new ArrayList<>(top);
    for (int other : TopK.select(logits, at, scores.length, Math.min(top, scores.length))) {
      likeliest.add(new Alternative(other, logits[at + other] - logSum));
    }
    return new TokenLogprob(id, logits[at + id] - logSum, likeliest);
  }
}
