package dev.tritium.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tritium.testing.Checkpoints;
import dev.tritium.testing.FixtureTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFolderTest {
  private static final Map<String, Object> CONFIG =
      Map.of("model_type", "hgrn_bit", "eos_token_id", 2);
  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";

  @TempDir Path folder;

  @Test
  void aFolderWithOneFileOpens() throws IOException {
    Checkpoints.write(folder, CONFIG, tensors());
    try (ModelFolder model = ModelFolder.open(folder)) {
      assertEquals(Set.of("a", "b", "c"), model.tensorNames());
      assertEquals(List.of("a", "b", "c"), model.tensors().stream().map(Tensor::name).toList());
      assertArrayEquals(new float[] {1, 2}, model.tensor("a").requireShape(2).toFloats());
      assertEquals("hgrn_bit", model.config().requireString("model_type"));
      assertFalse(model.generationConfig().has("temperature"));
      assertEquals(folder, model.path());
      assertEquals(2 * 2 + 3 * 4 + 4 * 2, model.weightBytes());
    }
  }

  @Test
  void theBundledModelOpensAndIsFinite() {
    try (ModelFolder model = ModelFolder.open(Path.of("models", "tritium-stories-17m"))) {
      model.tensors().forEach(Tensor::requireFinite);
      model.tensor("lm_head.weight").requireShape(4096, 384).requireDType(DType.BF16);
      assertEquals("tritium-stories-17m", model.name());
      assertEquals(125, model.tensorNames().size());
      assertEquals(Set.of(2), model.eosIds());
    }
  }

  @Test
  void shardsReadAsOneModelWithTheSameDigest() throws IOException {
    Path one = Checkpoints.write(Files.createDirectory(folder.resolve("1")), CONFIG, tensors());
    Path two =
        Checkpoints.writeShards(Files.createDirectory(folder.resolve("2")), CONFIG, tensors(), 2);
    try (ModelFolder whole = ModelFolder.open(one);
        ModelFolder sharded = ModelFolder.open(two)) {
      assertEquals(whole.tensorNames(), sharded.tensorNames());
      assertEquals(Path.of(SECOND), sharded.tensor("b").file().getFileName());
      assertArrayEquals(whole.tensor("b").toFloats(), sharded.tensor("b").toFloats());
      assertArrayEquals(whole.digest(), sharded.digest());
    }
  }

  @Test
  void theDigestSeesEveryPart() throws IOException {
    Map<String, FixtureTensor> renamed = tensors();
    renamed.put("d", renamed.remove("c"));
    Map<String, FixtureTensor> reshaped = tensors();
    reshaped.put("c", FixtureTensor.of(DType.F16, new float[] {7, 8, 9, 10}, 4));
    Map<String, FixtureTensor> retyped = tensors();
    retyped.put("c", new FixtureTensor(DType.BF16, List.of(2L, 2L), reshaped.get("c").data()));
    Map<String, FixtureTensor> changed = tensors();
    changed.put("c", FixtureTensor.of(DType.F16, new float[] {7, 8, 9, 11}, 2, 2));
    List<byte[]> digests =
        List.of(
            digest(CONFIG, tensors()),
            digest(Map.of("model_type", "hgrn_bit"), tensors()),
            digest(CONFIG, renamed),
            digest(CONFIG, reshaped),
            digest(CONFIG, retyped),
            digest(CONFIG, changed));
    assertEquals(6, digests.stream().map(HexFormat.of()::formatHex).distinct().count());
    assertArrayEquals(digests.getFirst(), digest(CONFIG, tensors()));
  }

  @Test
  void tensorsMayBeHashedAheadOnAnyThread() throws IOException {
    Checkpoints.write(folder, CONFIG, tensors());
    try (ModelFolder ahead = ModelFolder.open(folder)) {
      ahead.tensorNames().parallelStream().forEach(ahead::hash);
      ahead.hash("a");
      assertArrayEquals(digest(CONFIG, tensors()), ahead.digest());
      assertThrows(CheckpointException.class, () -> ahead.hash("no such"));
    }
  }

  @Test
  void aMissingTensorIsNamed() throws IOException {
    Checkpoints.write(folder, CONFIG, tensors());
    try (ModelFolder model = ModelFolder.open(folder)) {
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> model.tensor("lm_head.weight"));
      assertEquals(folder + ": no tensor lm_head.weight among its 3 tensors", e.getMessage());
    }
  }

  @Test
  void endIdsAreThoseOfBothConfigurations() throws IOException {
    Checkpoints.write(folder, CONFIG, tensors());
    assertEndIds(Set.of(2));
    Checkpoints.writeJson(
        folder.resolve("generation_config.json"), Map.of("eos_token_id", List.of(7, 2)));
    assertEndIds(Set.of(2, 7));
    Checkpoints.writeJson(folder.resolve("config.json"), Map.of());
    Checkpoints.writeJson(folder.resolve("generation_config.json"), Map.of());
    assertEndIds(Set.of());
  }

  @Test
  void theNameIsTheFoldersOwn() throws IOException {
    Path named = Checkpoints.write(Files.createDirectory(folder.resolve("m1")), CONFIG, tensors());
    Path detour = Files.createDirectory(named.resolve("sub")).resolve("..");
    for (Path path : List.of(named, named.resolve("."), detour)) {
      try (ModelFolder model = ModelFolder.open(path)) {
        assertEquals("m1", model.name(), path::toString);
      }
    }
  }

  @Test
  void filesMayBeLinksAsInTheHubsCache() throws IOException {
    Path blobs = Checkpoints.writeShards(folder, CONFIG, tensors(), 2);
    Path snapshot = Files.createDirectory(folder.resolve("snapshot"));
    for (String name : List.of("config.json", "model.safetensors.index.json", FIRST, SECOND)) {
      Path blob = Files.move(blobs.resolve(name), blobs.resolve(name + ".blob"));
      Files.createSymbolicLink(snapshot.resolve(name), blob);
    }
    try (ModelFolder model = ModelFolder.open(snapshot)) {
      assertEquals(3, model.tensorNames().size());
    }
  }

  @Test
  void oneFileIsPreferredToAnIndex() throws IOException {
    Checkpoints.writeShards(folder, CONFIG, tensors(), 2);
    Checkpoints.write(folder, CONFIG, Map.of("only", FixtureTensor.of(DType.F32, new float[1], 1)));
    try (ModelFolder model = ModelFolder.open(folder)) {
      assertEquals(Set.of("only"), model.tensorNames());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../outside.safetensors",
        "/outside.safetensors",
        "sub/inside.safetensors",
        "sub\\\\inside.safetensors",
        "..",
        ".",
        "",
        "c:x.safetensors",
        "x\\u0000.safetensors",
        "config.json"
      })
  void anIndexCannotLeaveTheFolder(String shard) throws IOException {
    Files.createDirectory(folder.resolve("sub"));
    Path inside = Checkpoints.writeShards(folder.resolve("sub"), CONFIG, tensors(), 2);
    Files.copy(inside.resolve(FIRST), folder.resolve("outside.safetensors"));
    Files.copy(inside.resolve(FIRST), inside.resolve("c:x.safetensors"));
    editIndex(inside, json -> json.replace(FIRST, shard));
    assertBroken("expected the name of a .safetensors file in this folder, found \"", inside);
  }

  @Test
  void aShardNameThatNoFileCanHaveIsRefused() throws IOException {
    Checkpoints.writeShards(folder, CONFIG, tensors(), 2);
    editIndex(folder, json -> json.replace(FIRST, "\\ud800.safetensors"));
    assertBroken("no such file: ", folder);
  }

  @Test
  void aMissingShardIsNamed() throws IOException {
    Checkpoints.writeShards(folder, CONFIG, tensors(), 2);
    Files.delete(folder.resolve(SECOND));
    assertBroken("tensor b: no such file: \"" + SECOND + "\"", folder);
    assertNothingIsMapped();
  }

  @Test
  void aBrokenShardClosesTheOthers() throws IOException {
    Checkpoints.writeShards(folder, CONFIG, tensors(), 2);
    Files.write(folder.resolve(SECOND), new byte[7]);
    assertBroken(SECOND + ": expected at least 8 bytes, found 7", folder);
    assertNothingIsMapped();
  }

  @Test
  void closingUnmapsEveryFile() throws IOException {
    Checkpoints.writeShards(folder, CONFIG, tensors(), 2);
    try (ModelFolder model = ModelFolder.open(folder)) {
      assertEquals(2, mappings(), () -> model.name() + " maps two files");
    }
    assertNothingIsMapped();
  }

  @Test
  void indexAndShardsMustNameTheSameTensors() throws IOException {
    Checkpoints.writeShards(folder, CONFIG, tensors(), 2);
    editIndex(folder, json -> json.replace("\"a\":", "\"x\":"));
    assertBroken("tensor x: expected in " + FIRST + ", found in no shard", folder);
    editIndex(folder, json -> json.replace("\"x\":\"" + FIRST + "\",", ""));
    assertBroken("weight_map does not name tensor a, found in " + FIRST, folder);
    editIndex(folder, json -> json.replace("\"b\":\"" + SECOND, "\"b\":\"" + FIRST));
    assertBroken("tensor b: expected in " + FIRST + ", found in no shard", folder);
    assertNothingIsMapped();
  }

  @Test
  void aTensorInTheOtherShardIsNamed() throws IOException {
    Checkpoints.writeShards(folder, CONFIG, tensors(), 2);
    editIndex(folder, json -> json.replace("\"a\":\"" + FIRST, "\"a\":\"" + SECOND));
    assertBroken("tensor a: expected in " + SECOND + ", found in " + FIRST, folder);
  }

  @Test
  void aTensorInTwoShardsIsRefused() throws IOException {
    Checkpoints.writeShards(folder, CONFIG, tensors(), 2);
    Checkpoints.writeFile(folder.resolve(SECOND), tensors());
    assertBroken("tensor a is both in " + FIRST + " and in " + SECOND, folder);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{\"weight_map\":{}}", "{\"weight_map\":[]}", "{\"weight_map\":1}"})
  void anIndexWithoutAMapIsRefused(String index) throws IOException {
    Checkpoints.writeShards(folder, CONFIG, tensors(), 2);
    editIndex(folder, _ -> index);
    assertBroken("expected weight_map, an object of file names", folder);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pytorch_model.bin",
        "pytorch_model-00001-of-00002.bin",
        "model.pt",
        "model.pth",
        "model.ckpt"
      })
  void picklesAreRefusedWithTheWayToConvertThem(String name) throws IOException {
    Checkpoints.writeJson(folder.resolve("config.json"), CONFIG);
    Files.write(folder.resolve(name), new byte[10]);
    assertBroken("the weights are Python pickles (" + name + ")", folder);
    assertBroken("torch.load('" + name + "', map_location='cpu', weights_only=True)", folder);
    assertBroken("save_file(", folder);
  }

  @Test
  void aPickleBesideSafetensorsIsIgnored() throws IOException {
    Checkpoints.write(folder, CONFIG, tensors());
    Files.write(folder.resolve("pytorch_model.bin"), new byte[10]);
    ModelFolder.open(folder).close();
  }

  @Test
  void aFolderWithoutWeightsSaysWhatItHolds() throws IOException {
    Checkpoints.writeJson(folder.resolve("config.json"), CONFIG);
    Files.write(folder.resolve("weights.safetensors"), new byte[10]);
    assertBroken(
        "expected model.safetensors or model.safetensors.index.json,"
            + " found config.json, weights.safetensors",
        folder);
    for (int i = 0; i < 30; i++) {
      Files.write(folder.resolve("x" + i), new byte[0]);
    }
    assertBroken(" and 12 more", folder);
  }

  @Test
  void aFolderWithoutConfigurationIsRefused() {
    assertBroken(": no config.json; found nothing", folder);
  }

  @Test
  void aPathThatIsNoFolderIsRefused() throws IOException {
    assertBroken("missing: no such file or folder", folder.resolve("missing"));
    assertBroken("file: not a folder", Files.write(folder.resolve("file"), new byte[0]));
  }

  @Test
  void aConfigurationThatIsTooLongIsRefused() throws IOException {
    Checkpoints.write(folder, CONFIG, tensors());
    Files.writeString(folder.resolve("config.json"), " ".repeat((4 << 20) + 1));
    assertBroken("config.json: longer than 4194304 bytes", folder);
  }

  @Test
  void aFileWithoutPermissionIsNamed() throws IOException {
    Checkpoints.write(folder, CONFIG, tensors());
    Path weights = folder.resolve("model.safetensors");
    Files.setPosixFilePermissions(weights, PosixFilePermissions.fromString("---------"));
    if (Files.isReadable(weights)) { // root may read everything
      ModelFolder.open(folder).close();
    } else {
      assertBroken("model.safetensors: no permission to read it", folder);
    }
  }

  private static Map<String, FixtureTensor> tensors() {
    Map<String, FixtureTensor> tensors = new LinkedHashMap<>();
    tensors.put("a", FixtureTensor.of(DType.BF16, new float[] {1, 2}, 2));
    tensors.put("b", FixtureTensor.of(DType.F32, new float[] {3, 4, 5}, 1, 3));
    tensors.put("c", FixtureTensor.of(DType.F16, new float[] {7, 8, 9, 10}, 2, 2));
    return tensors;
  }

  private byte[] digest(Object config, Map<String, FixtureTensor> tensors) throws IOException {
    Path model = Files.createTempDirectory(folder, "digest");
    try (ModelFolder opened = ModelFolder.open(Checkpoints.write(model, config, tensors))) {
      return opened.digest();
    }
  }

  private void assertEndIds(Set<Integer> expected) {
    try (ModelFolder model = ModelFolder.open(folder)) {
      assertEquals(expected, model.eosIds());
    }
  }

  private static void editIndex(Path folder, UnaryOperator<String> edit) throws IOException {
    Path index = folder.resolve("model.safetensors.index.json");
    String before = Files.readString(index);
    String after = edit.apply(before);
    assertFalse(after.equals(before), "the edit changes nothing: " + before);
    Files.writeString(index, after);
  }

  private void assertNothingIsMapped() throws IOException {
    assertEquals(0, mappings(), "files still mapped");
  }

  private long mappings() throws IOException {
    Path maps = Path.of("/proc/self/maps");
    assumeTrue(Files.isReadable(maps), "only Linux lists a process's mappings");
    return Files.readAllLines(maps).stream().filter(m -> m.contains(folder.toString())).count();
  }

  private static void assertBroken(String message, Path folder) {
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> ModelFolder.open(folder).close(), message);
    assertTrue(
        String.valueOf(e.getMessage()).contains(message),
        () -> "expected '" + message + "' in: " + e.getMessage());
  }
}
