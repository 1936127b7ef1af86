package dev.tritium.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.ScalarKernels;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.kernel.T9Format;
import dev.tritium.kernel.Workers;
import dev.tritium.kernel.vector.T2Kernels;
import dev.tritium.kernel.vector.T9Kernels;
import dev.tritium.kernel.vector.VectorRowKernels;
import dev.tritium.model.Batch.Group;
import dev.tritium.testing.Golden;
import dev.tritium.testing.Models;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A row's bits depend on its sequence alone: not on batch, chunks, threads, kernel or history. */
class HgrnBitDeterminismTest {
  private static final Path FOLDER = Golden.checkpoint("hgrn-odd");
  private static final int[] PROMPT = tokens(1, 61);

  private static Kernels kernels;
  private static LanguageModel model;

  @BeforeAll
  static void load() {
    kernels = Kernels.create("auto", 2);
    model = Models.load(FOLDER, kernels);
  }

  @AfterAll
  static void close() {
    model.close();
    kernels.close();
  }

  private static int[] tokens(long seed, int count) {
    return new Random(seed).ints(count, 0, 4096).toArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"scalar", "t2", "t9"})
  void everyKernelAndThreadCountGivesTheSameBits(String kernel) {
    float[][] expected = Models.logits(model, model.newState(), PROMPT);
    for (int threads : new int[] {1, 2, 3}) {
      try (Kernels other = kernels(kernel, threads);
          LanguageModel same = Models.load(FOLDER, other)) {
        assertBitsEqual(
            expected,
            Models.logits(same, same.newState(), PROMPT),
            kernel + " with " + threads + " threads");
      }
    }
  }

  /** By constructor: without its vectors a kernel is slow, but as right. */
  private static Kernels kernels(String kernel, int threads) {
    Workers workers = new Workers(threads);
    return switch (kernel) {
      case "t9" -> new Kernels(new T9Kernels(workers), new VectorRowKernels(), workers);
      case "t2" -> new Kernels(new T2Kernels(workers), new VectorRowKernels(), workers);
      default ->
          new Kernels(new ScalarKernels(new T9Format(), workers), new ScalarRowKernels(), workers);
    };
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 60})
  void aPrefillInChunksGivesTheSameBits(int chunk) {
    SequenceState whole = model.newState();
    float[][] expected = Models.logits(model, whole, PROMPT);
    SequenceState state = model.newState();
    List<float[]> rows = new ArrayList<>();
    for (int from = 0; from < PROMPT.length; from += chunk) {
      int[] part = Arrays.copyOfRange(PROMPT, from, Math.min(PROMPT.length, from + chunk));
      rows.addAll(Arrays.asList(Models.logits(model, state, part)));
    }
    assertBitsEqual(expected, rows.toArray(float[][]::new), "chunks of " + chunk);
    assertArrayEquals(Models.stateValues(whole), Models.stateValues(state));
    assertEquals(PROMPT.length, state.tokenCount());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 4, 16, 17})
  void aSequenceKeepsItsBitsInAnyCompany(int others) {
    float[][] expected = Models.logits(model, model.newState(), PROMPT);
    for (int place : new int[] {0, others / 2, others}) {
      Batch batch = new Batch();
      Group own = null;
      for (int g = 0; g <= others; g++) {
        if (g == place) {
          own = batch.add(model.newState(), PROMPT, allRows(PROMPT.length), Batch.NONE);
        } else {
          int[] stranger = tokens(100 + g, 1 + 5 * g % 13);
          int[] wanted = g % 2 == 0 ? Batch.NONE : new int[] {stranger.length - 1};
          batch.add(model.newState(), stranger, wanted, new int[] {0});
        }
      }
      model.forward(batch);
      assertBitsEqual(
          expected,
          Models.logits(model, batch, java.util.Objects.requireNonNull(own)),
          "place " + place + " of " + others);
    }
  }

  @Test
  void aBatchOfDecodesGivesEachSequenceItsBitsAlone() {
    int[][] prompts = IntStream.range(0, 17).mapToObj(s -> tokens(s, 3 + s)).toArray(int[][]::new);
    Batch batch = new Batch();
    for (int[] prompt : prompts) {
      SequenceState state = model.newState();
      Models.logits(model, state, prompt);
      batch.add(state, new int[] {7}, new int[] {0}, Batch.NONE);
    }
    model.forward(batch);
    List<float[][]> together = new ArrayList<>();
    for (Group group : batch.groups()) {
      together.add(Models.logits(model, batch, group));
    }
    for (int s = 0; s < prompts.length; s++) {
      SequenceState state = model.newState();
      Models.logits(model, state, prompts[s]);
      assertBitsEqual(Models.logits(model, state, 7), together.get(s), "sequence " + s);
    }
  }

  @Test
  void snapshotsOfNamedRowsAreTheStatesAfterThem() {
    int[] rows = {0, 6, 59, 60};
    Batch batch = new Batch();
    Group group = batch.add(model.newState(), PROMPT, Batch.NONE, rows);
    model.forward(batch);
    for (int i = 0; i < rows.length; i++) {
      SequenceState expected = model.newState();
      Models.logits(model, expected, Arrays.copyOf(PROMPT, rows[i] + 1));
      StateSnapshot snapshot = group.takeSnapshot(i);
      assertEquals(rows[i] + 1, snapshot.tokenCount());
      assertEquals(model.stateBytes(1), snapshot.sizeBytes());
      assertArrayEquals(expected.snapshot().toBytes(), snapshot.toBytes(), "row " + rows[i]);
    }
  }

  @Test
  void aRestoredStateGoesOnWithTheSameBits() {
    SequenceState state = model.newState();
    Models.logits(model, state, Arrays.copyOf(PROMPT, 20));
    byte[] saved = state.snapshot().toBytes();
    int[] rest = Arrays.copyOfRange(PROMPT, 20, PROMPT.length);
    float[][] expected = Models.logits(model, state, rest);

    StateSnapshot snapshot = model.readSnapshot(saved);
    for (int time = 0; time < 2; time++) { // a snapshot can be used more than once
      SequenceState restored = model.restore(snapshot);
      assertBitsEqual(expected, Models.logits(model, restored, rest), "restored");
      assertArrayEquals(state.snapshot().toBytes(), restored.snapshot().toBytes());
    }
  }

  @Test
  void savedStatesAreRefusedWhenDamagedOrOfAnotherModel() {
    byte[] saved = model.newState().snapshot().toBytes();
    for (int at : new int[] {0, 4, 8, 40, 48, 60, saved.length - 1}) {
      byte[] damaged = saved.clone();
      damaged[at] ^= 1;
      assertThrows(IllegalArgumentException.class, () -> model.readSnapshot(damaged), "byte " + at);
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> model.readSnapshot(Arrays.copyOf(saved, saved.length - 1)));
    try (LanguageModel other = Models.load(Golden.checkpoint("hgrn-tiny"), kernels)) {
      byte[] foreign = other.newState().snapshot().toBytes();
      assertThrows(IllegalArgumentException.class, () -> model.readSnapshot(foreign));
    }
  }

  @Test
  void anUnknownTokenIsRefusedBeforeAnyStateChanges() {
    SequenceState state = model.newState();
    byte[] before = state.snapshot().toBytes();
    for (int token : new int[] {-1, 4100}) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> Models.logits(model, state, 5, token));
      assertTrue(String.valueOf(e.getMessage()).contains("[0, 4100)"), e.getMessage());
    }
    assertArrayEquals(before, state.snapshot().toBytes());
    Models.logits(model, state, 4099); // the last row of a vocabulary larger than the tokenizer's
  }

  private static int[] allRows(int count) {
    return IntStream.range(0, count).toArray();
  }

  private static void assertBitsEqual(float[][] expected, float[][] actual, String where) {
    assertEquals(expected.length, actual.length, where);
    for (int r = 0; r < expected.length; r++) {
      int row = r;
      assertArrayEquals(expected[r], actual[r], () -> where + ", row " + row);
    }
  }
}
