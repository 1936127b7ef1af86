package dev.tritium.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.Rows;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.testing.Golden;
import dev.tritium.testing.Models;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our numbers against the float64 reference, with the tolerances of its README, unloosened. */
class HgrnBitGoldenTest {
  private static Kernels kernels;

  @BeforeAll
  static void start() {
    kernels = Models.scalar(2);
  }

  @AfterAll
  static void stop() {
    kernels.workers().close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"hgrn-tiny", "hgrn-odd", "hgrn-heads"})
  void logitsAndStatesOfTinyCheckpointsAreTheReferences(String name) {
    try (LanguageModel model = Models.load(Golden.checkpoint(name), kernels);
        Golden golden = Golden.of(name)) {
      int positions = 0;
      int near = 0;
      for (int p = 0; golden.has(p + ".ids"); p++) {
        SequenceState state = model.newState();
        float[][] logits = Models.logits(model, state, golden.ints(p + ".ids"));
        float[] expected = golden.floats(p + ".logits");
        for (int t = 0; t < logits.length; t++) {
          double difference = largestDifference(logits[t], expected, t * logits[t].length);
          assertTrue(
              difference <= 0.05, name + " prompt " + p + " position " + t + ": " + difference);
          positions++;
          near += difference <= 1e-4 ? 1 : 0;
        }
        double stateDifference =
            largestDifference(Models.stateValues(state), golden.floats(p + ".state"), 0);
        assertTrue(stateDifference <= 0.05, name + " state " + p + ": " + stateDifference);
      }
      assertTrue(positions > 50, "only " + positions + " positions");
      assertTrue(near >= 0.9 * positions, name + ": " + near + " of " + positions + " within 1e-4");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"hgrn-tiny", "hgrn-odd", "hgrn-heads"})
  void greedyTokensAreTheReferences(String name) {
    try (LanguageModel model = Models.load(Golden.checkpoint(name), kernels);
        Golden golden = Golden.of(name)) {
      int[] ids = golden.ints("greedy.ids");
      float[] gaps = golden.floats("greedy.gap");
      int promptLength = ids.length - gaps.length;
      SequenceState state = model.newState();
      float[][] logits = Models.logits(model, state, Arrays.copyOf(ids, promptLength));
      for (int t = 0; t < gaps.length && gaps[t] > 1e-3; t++) {
        assertEquals(
            ids[promptLength + t], argmax(logits[logits.length - 1]), name + " token " + t);
        logits = Models.logits(model, state, ids[promptLength + t]);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"hgrn-tiny", "hgrn-odd", "hgrn-heads"})
  void eachBlockAloneIsTheReferences(String name) {
    try (LanguageModel model = Models.load(Golden.checkpoint(name), kernels);
        Golden golden = Golden.of(name)) {
      BlockRows rows = new BlockRows();
      for (int p = 0; golden.has(p + ".ids"); p++) {
        rows.compare((HgrnBit) model, golden.floats(p + ".hidden"), golden.ints(p + ".ids").length);
      }
      rows.assertNear(name);
    }
  }

  @Test
  void eachBlockOfTheBundledModelAloneIsTheReferences() {
    try (LanguageModel model = Models.load(Models.BUNDLED, kernels);
        Golden golden = Golden.stories()) {
      BlockRows rows = new BlockRows();
      rows.compare((HgrnBit) model, golden.floats("0.hidden_first32"), 32);
      rows.assertNear("stories");
    }
  }

  @Test
  void storiesAreScoredAsTheReferenceScoresThem() throws IOException {
    JsonNode documents = new ObjectMapper().readTree(Golden.storiesJson().toFile());
    try (LanguageModel model = Models.load(Models.BUNDLED, kernels);
        Golden golden = Golden.stories()) {
      int positions = 0;
      int equalArgmax = 0;
      for (int p = 0; golden.has(p + ".ids"); p++) {
        int[] ids = golden.ints(p + ".ids");
        float[][] logits = Models.logits(model, model.newState(), ids);
        int[] top5 = golden.ints(p + ".top5_ids");
        float[] top5Logprobs = golden.floats(p + ".top5_logprobs");
        double nats = 0;
        double divergence = 0;
        for (int t = 0; t < ids.length; t++) {
          double logSum = new ScalarRowKernels().logSumExp(logits[t], 0, logits[t].length);
          positions++;
          equalArgmax += argmax(logits[t]) == top5[5 * t] ? 1 : 0;
          for (int k = 0; k < 5; k++) {
            double expected = top5Logprobs[5 * t + k];
            divergence += Math.exp(expected) * (expected - (logits[t][top5[5 * t + k]] - logSum));
          }
          if (t + 1 < ids.length) {
            nats -= logits[t][ids[t + 1]] - logSum;
          }
        }
        double expectedNats = documents.get(p).get("nll").doubleValue();
        double meanNats = nats / (ids.length - 1);
        assertEquals(expectedNats, meanNats, 0.005, "document " + p);
        double meanDivergence = divergence / ids.length;
        assertTrue(Math.abs(meanDivergence) < 5e-3, "document " + p + ": KL " + meanDivergence);
      }
      assertTrue(
          equalArgmax >= 0.97 * positions, equalArgmax + " of " + positions + " argmax equal");
    }
  }

  /** Compares block outputs row by row, each block fed with the reference's input. */
  private static final class BlockRows {
    private int rows;
    private int near;
    private double worst;

    /**
     * Compares all blocks of a document.
     *
     * @param hidden the embedding, then each block's output [layers + 1, length, hidden]
     */
    void compare(HgrnBit model, float[] hidden, int length) {
      int width = model.description().hiddenSize();
      for (int l = 0; l < model.description().layers(); l++) {
        Rows x = new Rows(length, width);
        System.arraycopy(hidden, l * length * width, x.values(), 0, length * width);
        model.forwardBlock(l, x);
        for (int t = 0; t < length; t++) {
          int expectedAt = ((l + 1) * length + t) * width;
          float[] row = Arrays.copyOfRange(x.values(), x.at(t), x.at(t) + width);
          double largest = 0;
          for (int c = 0; c < width; c++) {
            largest = Math.max(largest, Math.abs(hidden[expectedAt + c]));
          }
          double difference = largestDifference(row, hidden, expectedAt) / largest;
          rows++;
          near += difference <= 1e-5 ? 1 : 0;
          worst = Math.max(worst, difference);
        }
      }
    }

    void assertNear(String name) {
      assertTrue(rows > 0);
      assertTrue(near >= 0.95 * rows, name + ": " + near + " of " + rows + " rows within 1e-5");
      assertTrue(worst <= 1e-2, name + ": worst row " + worst);
    }
  }

  private static double largestDifference(float[] values, float[] expected, int expectedAt) {
    double largest = 0;
    for (int c = 0; c < values.length; c++) {
      largest = Math.max(largest, Math.abs((double) values[c] - expected[expectedAt + c]));
    }
    return largest;
  }

  private static int argmax(float[] row) {
    int best = 0;
    for (int c = 1; c < row.length; c++) {
      best = row[c] > row[best] ? c : best;
    }
    return best;
  }
}
