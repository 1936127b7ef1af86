package dev.tritium.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Checkpoints;
import dev.tritium.testing.FixtureTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever happens to a checkpoint's bytes, it is refused or loads; nothing else. */
class DamagedCheckpointTest {
  private static final int ROUNDS = 1000;
  private static final List<String> FILES =
      List.of(
          "model-00001-of-00002.safetensors",
          "model-00002-of-00002.safetensors",
          "model.safetensors.index.json",
          "config.json",
          "generation_config.json");

  @TempDir Path folder;

  @Test
  void flippedBitsAreRefusedOrHarmless() throws IOException {
    writeCheckpoint();
    int loaded = 0;
    for (int seed = 0; seed < ROUNDS; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      Path file = folder.resolve(FILES.get(random.nextInt(FILES.size())));
      byte[] intact = Files.readAllBytes(file);
      byte[] damaged = intact.clone();
      int flips = 1 + random.nextInt(3);
      for (int i = 0; i < flips; i++) {
        damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      }
      Files.write(file, damaged);
      loaded += loads(file, seed) ? 1 : 0;
      Files.write(file, intact);
    }
    // Both outcomes happen: otherwise this test would not reach what it is about.
    assertTrue(loaded > ROUNDS / 20 && loaded < ROUNDS * 19 / 20, loaded + " of " + ROUNDS);
    assertTrue(loads(folder, -1), "the intact checkpoint");
  }

  @Test
  void truncatedWeightsAreAlwaysRefused() throws IOException {
    writeCheckpoint();
    for (int seed = 0; seed < ROUNDS; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      Path file = folder.resolve(FILES.get(random.nextInt(2)));
      byte[] intact = Files.readAllBytes(file);
      int length = random.nextInt(intact.length);
      Files.write(file, Arrays.copyOf(intact, length));
      assertEquals(
          false, loads(file, seed), "seed " + seed + ": " + length + " of " + intact.length);
      Files.write(file, intact);
    }
  }

  /** Opens the folder and reads everything in it; false if it was refused. */
  private boolean loads(Path damaged, int seed) {
    try (ModelFolder model = ModelFolder.open(folder)) {
      for (Tensor tensor : model.tensors()) {
        tensor.toFloats();
      }
      assertEquals(3 * 8 * 2 + 24 * 4 + 8, model.weightBytes());
      assertEquals(32, model.digest().length);
      model.tensors().forEach(Tensor::requireFinite);
      model.eosIds();
      model.config().positiveInt("hidden_size", 1);
      model.config().section("quantization_config").stringValue("linear_class", "");
      return true;
    } catch (CheckpointException e) {
      assertTrue(e.getMessage() != null && !e.getMessage().isBlank(), "seed " + seed);
      return false;
    } catch (RuntimeException | Error e) {
      throw new AssertionError("seed %d, damage in %s".formatted(seed, damaged), e);
    }
  }

  private void writeCheckpoint() throws IOException {
    float[] values = new float[24];
    for (int i = 0; i < values.length; i++) {
      values[i] = i / 8f - 1;
    }
    Map<String, FixtureTensor> tensors = new LinkedHashMap<>();
    tensors.put("model.embeddings.weight", FixtureTensor.of(DType.BF16, values, 3, 8));
    tensors.put("model.layers.0.attn.i_proj.weight", FixtureTensor.of(DType.F32, values, 8, 3));
    tensors.put("lm_head.norm.weight", FixtureTensor.of(DType.F16, new float[] {1, 2, 3, 4}, 4));
    Map<String, Object> config =
        Map.of("hidden_size", 8, "quantization_config", Map.of("linear_class", "bitlinear"));
    Checkpoints.writeShards(folder, config, tensors, 2);
    Checkpoints.writeJson(folder.resolve("generation_config.json"), Map.of("eos_token_id", 2));
  }
}
