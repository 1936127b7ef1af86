package dev.tritium.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Checkpoints;
import dev.tritium.testing.FixtureTensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
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
      Path path = folder.resolve(FILES.get(random.nextInt(FILES.size())));
      try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
        int flips = 1 + random.nextInt(3);
        int[] positions = random.ints(flips, 0, (int) file.length()).toArray();
        int[] bits = random.ints(flips, 0, 8).toArray();
        flip(file, positions, bits);
        loaded += loads("seed %d: damage in %s".formatted(seed, path)) ? 1 : 0;
        flip(file, positions, bits);
      }
    }
    // Both outcomes happen: otherwise this test would not reach what it is about.
    assertTrue(loaded > ROUNDS / 20 && loaded < ROUNDS * 19 / 20, loaded + " of " + ROUNDS);
    assertTrue(loads("every bit flipped back"));
  }

  @Test
  void weightsCutOffAtAnyByteAreRefused() throws IOException {
    for (String name : FILES.subList(0, 2)) {
      writeCheckpoint();
      try (RandomAccessFile file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
        for (long length = file.length() - 1; length >= 0; length--) {
          file.setLength(length);
          String damage = "%s cut to %d bytes".formatted(name, length);
          assertFalse(loads(damage), damage);
        }
      }
    }
  }

  private static void flip(RandomAccessFile file, int[] positions, int[] bits) throws IOException {
    for (int i = 0; i < positions.length; i++) {
      file.seek(positions[i]);
      int old = file.read();
      file.seek(positions[i]);
      file.write(old ^ (1 << bits[i]));
    }
  }

  /** Opens the folder and reads everything in it; false if it was refused. */
  private boolean loads(String damage) {
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
      assertTrue(e.getMessage() != null && !e.getMessage().isBlank(), damage);
      return false;
    } catch (RuntimeException | Error e) {
      throw new AssertionError(damage, e);
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
