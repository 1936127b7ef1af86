package dev.tritium.engine;

import dev.tritium.engine.TokenLogprob.Alternative;
import dev.tritium.kernel.RowKernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Draws tokens from logits, in time linear in the vocabulary. One sampler serves all sequences of
 * an engine thread; what differs between them comes with each call, so an answer does not depend on
 * its neighbours.
 */
public final class Sampler {
  /** So much less than exactly, in exponents: scores and weights are rounded. */
  private static final double MARGIN = 1e-3;

  private final int vocabulary;
  private final RowKernels rows;
  private final Philox philox = new Philox();
  private final Candidates candidates;
  private final float[] changed; // [vocabulary]
  private final float[] weights; // [vocabulary]
  private final double[] blockSums; // [blocks of the vocabulary]

  public Sampler(int vocabulary, RowKernels rows) {
    this.vocabulary = vocabulary;
    this.rows = rows;
    this.candidates = new Candidates(vocabulary, rows);
    this.changed = new float[vocabulary];
    this.weights = new float[vocabulary];
    this.blockSums = new double[Math.ceilDiv(vocabulary, RowKernels.BLOCK)];
  }

  /**
   * Draws one token; allocates nothing.
   *
   * @param logits the row is at [at, at + vocabulary); left as it was
   * @param penalties of the sequence, null if it has none
   * @param banned tokens that must not be drawn
   * @param allowed bit set [vocabulary] of those that may be, at least one of them; null for all
   * @param choice and {@code step} select the random number
   */
  public int sample(
      float[] logits,
      int at,
      Sampling sampling,
      @Nullable Penalties penalties,
      int[] banned,
      long @Nullable [] allowed,
      int choice,
      long step) {
    if (penalties == null && banned.length == 0 && allowed == null) {
      return draw(logits, at, sampling, choice, step);
    }
    System.arraycopy(logits, at, changed, 0, vocabulary);
    if (penalties != null) {
      penalties.apply(changed);
    }
    for (int id : banned) {
      changed[id] = Float.NEGATIVE_INFINITY;
    }
    if (allowed != null) {
      banOthers(allowed);
    }
    return draw(changed, 0, sampling, choice, step);
  }

  private void banOthers(long[] allowed) {
    for (int at = 0; at < vocabulary; at += Long.SIZE) {
      long word = allowed[at / Long.SIZE];
      int end = Math.min(at + Long.SIZE, vocabulary);
      if (word == 0) {
        Arrays.fill(changed, at, end, Float.NEGATIVE_INFINITY);
        continue;
      }
      for (long others = ~word; others != 0; others &= others - 1) {
        int id = at + Long.numberOfTrailingZeros(others);
        if (id < end) {
          changed[id] = Float.NEGATIVE_INFINITY;
        }
      }
    }
  }

  private int draw(float[] scores, int at, Sampling sampling, int choice, long step) {
    int best = rows.argmax(scores, at, vocabulary);
    float max = scores[at + best];
    if (sampling.temperature() == 0 || !Float.isFinite(max)) {
      return best;
    }
    float factor = (float) Math.min(1 / sampling.temperature(), Float.MAX_VALUE);
    double uniform = philox.uniform(sampling.seed(), choice, step);
    return keepsAll(sampling)
        ? drawFromAll(scores, at, best, factor, uniform)
        : drawFromKept(scores, at, max, factor, sampling, uniform);
  }

  private static boolean keepsAll(Sampling s) {
    return s.topK() == 0 && s.topP() == 1 && s.minP() == 0 && s.typicalP() == 1;
  }

  /** In the order of the ids: by blocks first, then within one. */
  private int drawFromAll(float[] scores, int at, int best, float factor, double uniform) {
    double total =
        rows.weigh(scores, at, scores[at + best], factor, weights, blockSums, vocabulary);
    double target = uniform * total;
    int block = 0;
    double sum = 0;
    while (block < blockSums.length - 1 && sum + blockSums[block] <= target) {
      sum += blockSums[block++];
    }
    int id = block * RowKernels.BLOCK;
    int last = best; // or what has weight, if rounding leaves the target unreached
    for (int end = Math.min(id + RowKernels.BLOCK, vocabulary); id < end && sum <= target; id++) {
      sum += weights[id];
      last = weights[id] > 0 ? id : last;
    }
    return last;
  }

  private int drawFromKept(
      float[] scores, int at, float max, float factor, Sampling sampling, double uniform) {
    double total = 0;
    if (sampling.topK() > 0) {
      candidates.takeBest(scores, at, sampling.topK());
    } else {
      if (sampling.topP() < 1) {
        total = rows.weigh(scores, at, max, factor, weights, blockSums, vocabulary);
      }
      double exponent = leastExponent(sampling, total) - MARGIN;
      float least = Math.nextDown((float) (max + exponent / factor));
      candidates.takeAtLeast(scores, at, Math.max(least, -Float.MAX_VALUE));
    }
    candidates.weigh(max, factor);
    if (sampling.typicalP() < 1) {
      candidates.keepTypical(sampling.typicalP(), max, factor);
    }
    if (sampling.topP() < 1) {
      boolean all = sampling.topK() == 0 && sampling.typicalP() == 1;
      candidates.keepLikeliest(sampling.topP() * (all ? total : candidates.total()));
    }
    candidates.keepAtLeast(sampling.minP());
    return candidates.draw(uniform);
  }

  /**
   * The exponent below which no token of a whole vocabulary is kept. All that weigh less than total
   * * (1 - p) / vocabulary weigh less than total * (1 - p) together: the likeliest tokens sum to p
   * before one of them is reached.
   */
  private double leastExponent(Sampling sampling, double total) {
    if (sampling.typicalP() < 1) {
      return Double.NEGATIVE_INFINITY;
    }
    double byMinP = StrictMath.log(sampling.minP());
    return sampling.topP() == 1
        ? byMinP
        : Math.max(byMinP, StrictMath.log(total * (1 - sampling.topP()) / vocabulary));
  }

  /**
   * The log-probability of a token in the model's own distribution, with the likeliest others.
   *
   * @param logits the row is at [at, at + vocabulary)
   * @param top how many of the likeliest tokens to list
   */
  TokenLogprob logprob(float[] logits, int at, int id, int top) {
    double logSum = rows.logSumExp(logits, at, vocabulary);
    List<Alternative> likeliest = new ArrayList<>(top);
    for (int other : candidates.best(logits, at, top)) {
      likeliest.add(new Alternative(other, logits[at + other] - logSum));
    }
    return new TokenLogprob(id, logits[at + id] - logSum, likeliest);
  }
}
