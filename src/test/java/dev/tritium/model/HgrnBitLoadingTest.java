package dev.tritium.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.checkpoint.CheckpointException;
import dev.tritium.checkpoint.DType;
import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.kernel.Kernels;
import dev.tritium.testing.Checkpoints;
import dev.tritium.testing.FixtureTensor;
import dev.tritium.testing.Models;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a hgrn_bit checkpoint must have, what is assumed, and what is refused with which words. */
class HgrnBitLoadingTest {
  private static final int HIDDEN = 40;
  private static final int INTERMEDIATE = 24;
  private static final int VOCABULARY = 50;
  private static final int LAYERS = 2;

  private static Kernels kernels;

  @TempDir private Path folder;
  private final Map<String, Object> config = new HashMap<>();
  private final Map<String, FixtureTensor> tensors = new TreeMap<>();

  @BeforeAll
  static void start() {
    kernels = Models.scalar(2);
  }

  @AfterAll
  static void stop() {
    kernels.close();
  }

  /** A checkpoint of two small layers with random latents. */
  HgrnBitLoadingTest() {
    config.put("model_type", "hgrn_bit");
    config.put("hidden_size", HIDDEN);
    config.put("intermediate_size", INTERMEDIATE);
    config.put("vocab_size", VOCABULARY);
    config.put("num_hidden_layers", LAYERS);
    put("model.embeddings.weight", VOCABULARY, HIDDEN);
    put("model.lower_bounds", LAYERS, HIDDEN);
    for (int l = 0; l < LAYERS; l++) {
      String layer = "model.layers." + l + ".";
      put(layer + "attn_norm.weight", HIDDEN);
      for (String name : List.of("i_proj", "f_proj", "g_proj", "o_proj")) {
        put(layer + "attn." + name + ".weight", HIDDEN, HIDDEN);
        put(layer + "attn." + name + ".norm.weight", HIDDEN);
      }
      put(layer + "attn.g_norm.weight", HIDDEN);
      put(layer + "mlp_norm.weight", HIDDEN);
      put(layer + "mlp.gate_proj.weight", 2 * INTERMEDIATE, HIDDEN);
      put(layer + "mlp.gate_proj.norm.weight", HIDDEN);
      put(layer + "mlp.down_proj.weight", HIDDEN, INTERMEDIATE);
      put(layer + "mlp.down_proj.norm.weight", INTERMEDIATE);
    }
    put("model.norm.weight", HIDDEN);
    put("lm_head.weight", VOCABULARY, HIDDEN);
    put("lm_head.norm.weight", HIDDEN);
  }

  private void put(String name, long... shape) {
    put(name, random(name, shape), shape);
  }

  private void put(String name, float[] values, long... shape) {
    tensors.put(name, FixtureTensor.of(DType.F32, values, shape));
  }

  private static float[] random(String name, long... shape) {
    int size = 1;
    for (long dimension : shape) {
      size *= (int) dimension;
    }
    Random random = new Random(name.hashCode());
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private LanguageModel load() {
    write();
    return Models.load(folder, kernels);
  }

  private void write() {
    try {
      Checkpoints.write(folder, config, tensors);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void packingTellsHowFarItIs() {
    write();
    List<Double> shares = new ArrayList<>();
    Loading loading = new Loading(kernels.workers(), null, shares::add);
    ModelFamilies.load(ModelFolder.open(folder), kernels, loading).close();
    assertEquals(6 * LAYERS + 1, shares.size(), "one for each matrix");
    assertEquals(shares.stream().sorted().toList(), shares);
    assertTrue(shares.getFirst() > 0, shares::toString);
    assertEquals(1, shares.getLast());
  }

  private String refusal() {
    write();
    CheckpointException e =
        assertThrows(
            CheckpointException.class,
            () -> {
              try (ModelFolder opened = ModelFolder.open(folder)) {
                ModelFamilies.load(opened, kernels, Loading.with(kernels.workers(), null));
              }
            });
    return String.valueOf(e.getMessage());
  }

  private void assertRefused(String... words) {
    String message = refusal();
    for (String word : words) {
      assertTrue(message.contains(word), () -> "\"" + word + "\" is not in: " + message);
    }
  }

  @Test
  void missingKeysHaveTheReferencesDefaults() {
    config.keySet().retainAll(List.of("model_type"));
    // The defaults are those of a 1.3B model: the first tensor's shape is enough to see them.
    assertRefused("model.embeddings.weight", "[32000, 2048]", "[50, 40]");
  }

  @Test
  void aNullIntermediateSizeIsDerived() {
    config.put("intermediate_size", null);
    // 40 * 4 * 2 / 3 = 106, rounded up to 256
    assertRefused("mlp.gate_proj.weight", "[512, 40]", "[48, 40]");
  }

  @Test
  void sizesAreDescribedWithoutLoading() {
    write();
    try (ModelFolder opened = ModelFolder.open(folder)) {
      ModelDescription description = ModelFamilies.describe(opened);
      int ternary =
          LAYERS * (4 * HIDDEN * HIDDEN + 3 * INTERMEDIATE * HIDDEN) + VOCABULARY * HIDDEN;
      int norms = LAYERS * (8 * HIDDEN + INTERMEDIATE) + 2 * HIDDEN;
      assertEquals(ternary, description.ternaryParameters());
      assertEquals(
          ternary + norms + VOCABULARY * HIDDEN + LAYERS * HIDDEN, description.parameters());
      assertEquals(4L * LAYERS * HIDDEN, description.stateBytes());
      assertEquals(Set.of(2), description.eosIds());
    }
  }

  @Test
  void theSizeOfWeightsIsThatOfThePackedMatrices() {
    try (LanguageModel model = load()) {
      int block = 4 * 32; // bytes of four rows of up to 128 columns, two bits a weight
      int layer = block * (4 * HIDDEN / 4 + 2 * INTERMEDIATE / 4 + HIDDEN / 4);
      assertEquals(LAYERS * layer + block * 13, model.weightBytes()); // the head has 50 rows
    }
  }

  @Test
  void endOfTextIdsAreTheUnionOfBothFiles() {
    config.put("eos_token_id", List.of(3, 4, VOCABULARY)); // the last can never be drawn
    try (LanguageModel model = load()) {
      assertEquals(Set.of(3, 4), model.description().eosIds());
    }
  }

  @Test
  void whatTheFormulasDoNotCoverIsRefusedByName() {
    config.put("use_short_conv", true);
    assertRefused("config.json", "use_short_conv", "true");
    config.put("use_short_conv", false);
    config.put("expand_ratio", 2);
    assertRefused("config.json", "expand_ratio", "2");
    config.put("expand_ratio", 1);
    config.put("attn_mode", "chunk");
    assertRefused("attn_mode", "chunk", "fused_recurrent");
    config.put("attn_mode", "fused_recurrent");
    config.put("hidden_act", "gelu");
    assertRefused("hidden_act", "gelu", "swish");
  }

  @Test
  void sizesThatCannotBeAreRefusedBeforeTheyCostAnything() {
    config.put("num_hidden_layers", Integer.MAX_VALUE);
    assertRefused("model.lower_bounds", "[2147483647, 40]");
    config.put("num_hidden_layers", LAYERS);
    config.put("rms_norm_eps", -1e-6);
    assertRefused("rms_norm_eps");
  }

  @Test
  void anUnknownModelTypeListsTheKnownOnes() {
    config.put("model_type", "mamba");
    assertRefused("mamba", "hgrn_bit");
  }

  @Test
  void missingTensorsAreNamed() {
    tensors.remove("model.layers.1.attn.g_norm.weight");
    assertRefused("model.layers.1.attn.g_norm.weight");
  }

  @Test
  void tensorsOfAnotherShapeAreNamedWithBothShapes() {
    put("model.layers.0.mlp.gate_proj.weight", 2 * INTERMEDIATE, HIDDEN + 1);
    assertRefused("model.layers.0.mlp.gate_proj.weight", "[48, 40]", "[48, 41]");
  }

  @Test
  void tensorsThatTheFormulasDoNotUseAreRefused() {
    put("model.layers.0.attn.h_conv1d.weight", HIDDEN, 1, 4);
    assertRefused("model.layers.0.attn.h_conv1d.weight");
  }

  @Test
  void nanAndInfinityAreRefusedInMatricesNormsAndEmbeddings() {
    for (String name :
        List.of(
            "model.layers.1.attn.f_proj.weight",
            "model.layers.0.mlp_norm.weight",
            "model.lower_bounds",
            "model.embeddings.weight")) {
      FixtureTensor good = tensors.get(name);
      long[] shape =
          name.endsWith("norm.weight")
              ? new long[] {HIDDEN}
              : new long[] {
                name.equals("model.lower_bounds")
                    ? LAYERS
                    : name.equals("model.embeddings.weight") ? VOCABULARY : HIDDEN,
                HIDDEN
              };
      float[] values = random(name, shape);
      values[values.length - 1] = name.contains("attn") ? Float.NEGATIVE_INFINITY : Float.NaN;
      put(name, values, shape);
      assertRefused(name, name.contains("attn") ? "-Infinity" : "NaN");
      tensors.put(name, good);
    }
  }

  @Test
  void latentsOfThreeValuesAreQuantisedLikeAnyOthers() {
    // mean |W| = 0.25: 0.5 has code 1, and 0.5 * 1/0.25 keeps the product as with scale 0.25.
    String name = "model.layers.0.attn.i_proj.weight";
    float[] ternary = new float[HIDDEN * HIDDEN];
    for (int i = 0; i < ternary.length; i++) {
      ternary[i] = i % 2 == 0 ? (i % 4 == 0 ? 0.5f : -0.5f) : 0;
    }
    float[] latent = ternary.clone();
    for (int i = 0; i < latent.length; i++) { // same codes, same mean, other values
      latent[i] *= i % 8 < 4 ? 1.25f : 0.75f;
    }
    put(name, ternary, HIDDEN, HIDDEN);
    float[][] expected;
    try (LanguageModel model = load()) {
      expected = Models.logits(model, model.newState(), 1, 2, 3);
    }
    put(name, latent, HIDDEN, HIDDEN);
    try (LanguageModel model = load()) {
      float[][] logits = Models.logits(model, model.newState(), 1, 2, 3);
      for (int r = 0; r < 3; r++) {
        assertArrayEquals(expected[r], logits[r]);
      }
    }
  }

  @Test
  void withoutLowerBoundsTheGatesHaveNone() {
    float[][] zero;
    put("model.lower_bounds", new float[LAYERS * HIDDEN], LAYERS, HIDDEN);
    try (LanguageModel model = load()) {
      zero = Models.logits(model, model.newState(), 1, 2, 3);
    }
    config.put("use_lower_bound", false);
    tensors.remove("model.lower_bounds");
    try (LanguageModel model = load()) {
      float[][] none = Models.logits(model, model.newState(), 1, 2, 3);
      // Equal bounds over two layers give layer 1 half of the softmax: that is not "none".
      assertTrue(java.util.Arrays.compare(zero[2], none[2]) != 0);
    }
  }

  @Test
  void aTiedHeadUsesTheEmbeddings() {
    float[] shared = random("shared", VOCABULARY, HIDDEN);
    put("model.embeddings.weight", shared, VOCABULARY, HIDDEN);
    put("lm_head.weight", shared, VOCABULARY, HIDDEN);
    float[][] expected;
    try (LanguageModel model = load()) {
      expected = Models.logits(model, model.newState(), 4, 5);
    }
    tensors.remove("lm_head.weight");
    config.put("tie_word_embeddings", true);
    try (LanguageModel model = load()) {
      assertArrayEquals(expected[1], Models.logits(model, model.newState(), 4, 5)[1]);
    }
  }
}
