package dev.tritium.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.checkpoint.PackedFile.Section;
import dev.tritium.testing.Checkpoints;
import dev.tritium.testing.FixtureTensor;
import dev.tritium.testing.Seeded;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PackedCacheTest {
  private static final Duration REST = Duration.ofMillis(100);

  @TempDir Path folder;
  private Path modelFolder;
  private Path cacheFolder;
  private final List<Integer> parallelCounts = new ArrayList<>();
  private Duration rest = REST;
  private int packings;

  @BeforeEach
  void writeModel() throws Exception {
    modelFolder = Files.createDirectory(folder.resolve("model"));
    cacheFolder = folder.resolve("cache").resolve("packed");
    Checkpoints.write(modelFolder, Map.of("model_type", "test"), weightsOf(1));
  }

  @Test
  void aSecondStartNeitherPacksNorReadsTheWeights() throws Exception {
    rest();
    assertServed(1, true);
    assertEquals(List.of(3), parallelCounts, "three tensors are hashed");
    parallelCounts.clear();
    assertServed(1, false);
    assertEquals(List.of(2), parallelCounts, "two sections are checked");
  }

  @Test
  void filesThatHaveJustChangedAreHashedAgain() throws Exception {
    rest = Duration.ofDays(1);
    assertServed(1, true);
    parallelCounts.clear();
    assertServed(1, false);
    assertEquals(List.of(3, 2), parallelCounts);
    assertEquals(0, files(".digest").size());
  }

  @Test
  void otherWeightsOfEqualSizeAndTimeAreAnotherModel() throws Exception {
    Path weights = modelFolder.resolve("model.safetensors");
    FileTime time = FileTime.fromMillis(1_700_000_000_123L);
    Files.setLastModifiedTime(weights, time);
    rest();
    assertServed(1, true);
    assertEquals(1, files(".digest").size());
    long size = Files.size(weights);

    byte[] others = weights(2); // in place: the same inode
    Files.write(weights, others);
    Files.setLastModifiedTime(weights, time);
    assertServed(2, true);

    rest();
    assertServed(2, false);
    Path replacement = Files.write(modelFolder.resolve("new"), weights(3)); // another inode
    Files.setLastModifiedTime(replacement, time);
    Files.move(replacement, weights, StandardCopyOption.ATOMIC_MOVE);
    assertServed(3, true);
    assertEquals(size, Files.size(weights));
    assertEquals(time, Files.getLastModifiedTime(weights));

    Files.write(weights, weights(1));
    assertServed(1, false); // packed before
    assertEquals(3, files(".packed").size());
  }

  @Test
  void theSameWeightsElsewhereArePackedOnce() throws Exception {
    assertServed(1, true);
    Files.move(modelFolder, folder.resolve("moved"));
    modelFolder = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("moved"));
    rest();
    assertServed(1, false);
    assertServed(1, false);
  }

  @Test
  void blobsOfTheHubAreKnownByTheirNames() throws Exception {
    rest = Duration.ofDays(1); // they may have come just now
    Path blobs = Files.createDirectories(folder.resolve("hub/blobs"));
    Path plain = modelFolder;
    for (String revision : List.of("one", "two")) {
      modelFolder = Files.createDirectories(folder.resolve("hub/snapshots").resolve(revision));
      for (String name : List.of("config.json", "model.safetensors")) {
        String hash = DigestIndex.hex(name).substring(0, name.startsWith("config") ? 40 : 64);
        Files.copy(plain.resolve(name), blobs.resolve(hash), StandardCopyOption.REPLACE_EXISTING);
        Files.createSymbolicLink(modelFolder.resolve(name), Path.of("../../blobs", hash));
      }
      assertServed(1, revision.equals("one"));
    }
    assertEquals(List.of(3, 2), parallelCounts, "three tensors are hashed, two sections checked");
    assertEquals(1, files(".digest").size());

    modelFolder = plain;
    assertServed(1, false); // the key is what is in them
  }

  @Test
  void whatNoStartUsesIsPruned() throws Exception {
    rest();
    assertServed(1, true);
    Path used = files(".packed").getFirst();
    Path unused = Files.copy(used, cacheFolder.resolve("T9-1-00.packed"));
    Path writing = Files.createFile(cacheFolder.resolve("1.tmp"));
    FileTime longAgo = FileTime.from(Instant.now().minus(Duration.ofDays(40)));
    for (Path file : files("")) {
      Files.setLastModifiedTime(file, longAgo);
    }
    assertServed(1, false); // noted, also for the digest

    Instant monthAgo = Instant.now().minus(Duration.ofDays(30));
    assertEquals(Files.size(unused), PackedCache.prune(cacheFolder, monthAgo));
    assertFalse(Files.exists(unused));
    assertTrue(Files.exists(writing));
    parallelCounts.clear();
    assertServed(1, false);
    assertEquals(List.of(2), parallelCounts, "no tensor is hashed");

    long all = Files.size(used) + Files.size(files(".digest").getFirst());
    assertEquals(all, PackedCache.prune(cacheFolder, Instant.now().plusSeconds(1)));
    assertEquals(List.of(writing), files(""));
    assertServed(1, true);
    assertEquals(0, PackedCache.prune(folder.resolve("none"), Instant.now()));
  }

  @Test
  void weightsThatAreReplacedAfterOpeningAreNotMistaken() throws Exception {
    rest();
    assertServed(1, true);
    try (ModelFolder old = ModelFolder.open(modelFolder)) {
      replace(2);
      try (PackedFile file = findOrPack(old, "T9", 1)) {
        assertSections(weightsOf(1), file);
      }
    }
    rest();
    assertServed(2, true);
  }

  @Test
  void weightsThatChangeWhileTheyArePackedAreNotKept() throws Exception {
    Path weights = modelFolder.resolve("model.safetensors");
    byte[] others = weights(2);
    try (ModelFolder model = ModelFolder.open(modelFolder)) {
      rest();
      CheckpointException e =
          assertThrows(
              CheckpointException.class,
              () ->
                  cache()
                      .findOrPack(
                          model,
                          "T9",
                          1,
                          writer -> {
                            PackingChild.pack(model, writer, _ -> {});
                            write(weights, others); // before they are hashed
                          }));
      assertEquals(modelFolder + ": changed while it was read; start again", e.getMessage());
    }
    assertEquals(List.of(), files(".packed"));
    assertServed(2, true);
  }

  @Test
  void aDamagedIndexIsNotBelieved() throws Exception {
    rest();
    assertServed(1, true);
    byte[] digest = digest();
    Path index = files(".digest").getFirst();
    byte[] whole = Files.readAllBytes(index);
    for (int length = 0; length < whole.length; length++) {
      Files.write(index, Arrays.copyOf(whole, length));
      assertFalse(isKnown(), "cut to " + length + " bytes");
      byte[] flipped = whole.clone();
      flipped[length] ^= 1;
      Files.write(index, flipped);
      assertFalse(isKnown(), "byte " + length);
    }
    assertServed(1, false);
    assertTrue(isKnown());
    assertArrayEquals(digest, digest());
  }

  @Test
  void aDamagedFileIsPackedAgain() throws Exception {
    rest();
    assertServed(1, true);
    Path packed = files(".packed").getFirst();
    byte[] whole = Files.readAllBytes(packed);
    for (int at : new int[] {0, 4096, 8192, whole.length - 1}) {
      byte[] flipped = whole.clone();
      flipped[at] ^= 1;
      Files.write(packed, flipped);
      assertServed(1, true);
      assertArrayEquals(whole, Files.readAllBytes(packed));
    }
    Files.write(packed, new byte[0]);
    assertServed(1, true);
    assertServed(1, false);
  }

  @Test
  void aFileUnderAnotherModelsNameIsPackedAgain() throws Exception {
    assertServed(1, true);
    Path first = files(".packed").getFirst();
    replace(2);
    assertServed(2, true);
    Path second =
        files(".packed").stream().filter(file -> !file.equals(first)).findAny().orElseThrow();
    Files.copy(first, second, StandardCopyOption.REPLACE_EXISTING);
    assertServed(2, true);
    assertServed(2, false);
  }

  @Test
  void formatsAndVersionsAreKeptApart() throws Exception {
    try (ModelFolder model = ModelFolder.open(modelFolder)) {
      for (int round = 0; round < 2; round++) {
        findOrPack(model, "T9", 1).close();
        findOrPack(model, "T9", 11).close();
        findOrPack(model, "T2", 1).close();
        assertEquals(3, packings);
      }
    }
  }

  @Test
  void whatThePackerThrowsIsThrownOnAndLeavesNothing() throws Exception {
    CheckpointException notFinite = new CheckpointException("NaN");
    try (ModelFolder model = ModelFolder.open(modelFolder)) {
      CheckpointException e =
          assertThrows(
              CheckpointException.class,
              () ->
                  cache()
                      .findOrPack(
                          model,
                          "T9",
                          1,
                          writer -> {
                            PackingChild.pack(model, writer, _ -> {});
                            throw notFinite;
                          }));
      assertSame(notFinite, e);
    }
    assertEquals(List.of(), files(".packed"));
    assertEquals(List.of(), files(".tmp"));
  }

  @Test
  void aCacheThatCannotBeWrittenSaysWhatToDo() throws Exception {
    Path blocker = Files.createFile(folder.resolve("file"));
    cacheFolder = blocker.resolve("packed");
    try (ModelFolder model = ModelFolder.open(modelFolder)) {
      PackedCacheException e =
          assertThrows(PackedCacheException.class, () -> findOrPack(model, "T9", 1));
      assertEquals(
          "cannot write %s: Not a directory; set TRITIUM_CACHE to a folder that is writable and has space"
              .formatted(cacheFolder),
          e.getMessage());
    }
    assertEquals(0, packings);
  }

  /** A limit of the file size stands for a full disk: both make a write fail in its middle. */
  @Test
  void aFullDiskIsAnErrorThatLeavesNothing() throws Exception {
    try (PackingChild child = PackingChild.start("ulimit -f 40; ", cacheFolder, modelFolder, 1)) {
      String last = child.finish();
      assertTrue(
          last.startsWith("cannot write " + cacheFolder) && last.contains(": File too large; set"),
          last);
    }
    assertEquals(List.of(), files(".packed"));
    assertEquals(List.of(), files(".tmp"));
  }

  @Test
  void aProcessWaitsForAnotherOneThatPacksTheSameModel() throws Exception {
    try (PackingChild first = PackingChild.start(cacheFolder, modelFolder)) {
      assertEquals("begin", first.line());
      try (PackingChild second = PackingChild.start(cacheFolder, modelFolder)) {
        String line = second.line();
        assertTrue(line.startsWith("waiting for another process"), line);
        assertEquals("packed", first.finish());
        assertEquals("found", second.finish());
      }
    }
  }

  @Test
  void threadsThatPackTheSameModelAllGetIt() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Callable<Void> start =
          () -> {
            try (ModelFolder model = ModelFolder.open(modelFolder);
                PackedFile file =
                    new PackedCache(cacheFolder, PackedCacheTest::serially)
                        .findOrPack(
                            model, "T9", 1, writer -> PackingChild.pack(model, writer, _ -> {}))) {
              assertSections(weightsOf(1), file);
            }
            return null;
          };
      for (Future<Void> done : threads.invokeAll(Collections.nCopies(16, start))) {
        done.get();
      }
    }
    assertEquals(List.of(), files(".tmp"));
    assertServed(1, false);
  }

  @Test
  void aWriterThatLivesKeepsItsTemporaryFile() throws Exception {
    try (PackedFileWriter first = PackedFileWriter.create(cacheFolder);
        PackedFileWriter second = PackedFileWriter.create(cacheFolder);
        PackingChild child = PackingChild.start(cacheFolder, modelFolder)) {
      assertEquals("begin", child.line());
      PackedFileWriter.create(cacheFolder).close();
      assertEquals(3, files(".tmp").size());
      assertEquals("packed", child.finish());
      first.finish("T2", 1, new byte[32]).close();
      second.finish("T2", 2, new byte[32]).close();
    }
    assertEquals(List.of(), files(".tmp"));
    assertEquals(3, files(".packed").size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"begin", "a", "b", "end"})
  void aProcessKilledWhilePackingLeavesNothingThatCounts(String step) throws Exception {
    try (PackingChild child = PackingChild.start(cacheFolder, modelFolder)) {
      while (!child.line().equals(step)) {
        child.goOn();
      }
    }
    assertEquals(1, files(".tmp").size());
    assertEquals(List.of(), files(".packed"));
    assertServed(1, true);
    assertEquals(List.of(), files(".tmp"));
  }

  @Test
  void aProcessKilledAnywhereLeavesOnlyWholeFiles() throws Exception {
    SplittableRandom random = new SplittableRandom(1);
    for (int kill = 0; kill < Seeded.cases(50); kill++) {
      int lines = random.nextInt(5, 200);
      try (PackingChild child =
          PackingChild.start("exec </dev/null; ", cacheFolder, modelFolder, 1000)) {
        for (int i = 0; i < lines; i++) {
          assertNotNull(child.line());
        }
      }
      assertFalse(files(".packed").isEmpty());
      assertTrue(files(".tmp").size() <= 1, () -> "only the last child's");
      for (Path packed : files(".packed")) {
        try (PackedFile file = PackedFile.open(packed)) {
          assertSections(weightsOf(1), file);
        }
      }
    }
  }

  private PackedCache cache() {
    return new PackedCache(
        cacheFolder,
        (count, task) -> {
          parallelCounts.add(count);
          serially(count, task);
        },
        rest);
  }

  static void serially(int count, IntConsumer task) {
    IntStream.range(0, count).forEach(task);
  }

  private PackedFile findOrPack(ModelFolder model, String formatId, int version) {
    Consumer<PackedFileWriter> packer =
        writer -> {
          packings++;
          PackingChild.pack(model, writer, _ -> {});
        };
    return cache().findOrPack(model, formatId, version, packer);
  }

  /** Starts with the model, and checks what is served and whether it had to be packed. */
  private void assertServed(int seed, boolean packed) throws IOException {
    int before = packings;
    try (ModelFolder model = ModelFolder.open(modelFolder);
        PackedFile file = findOrPack(model, "T9", 1)) {
      assertSections(weightsOf(seed), file);
    }
    assertEquals(packed, packings > before, packed ? "not packed" : "packed");
  }

  private static void assertSections(Map<String, FixtureTensor> weights, PackedFile file) {
    assertEquals(List.of("a", "b"), file.sections().stream().map(Section::name).toList());
    for (Section section : file.sections()) {
      assertTrue(section.isIntact());
      FixtureTensor expected = Objects.requireNonNull(weights.get(section.name()));
      assertEquals(-1, expected.data().mismatch(section.bytes()));
    }
  }

  private byte[] digest() {
    try (ModelFolder model = ModelFolder.open(modelFolder)) {
      return model.digest();
    }
  }

  private boolean isKnown() {
    try (ModelFolder model = ModelFolder.open(modelFolder)) {
      return new DigestIndex(cacheFolder, REST).recall(model);
    }
  }

  /** Two matrices, and a vector that is not packed. */
  private static Map<String, FixtureTensor> weightsOf(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, FixtureTensor> weights = new LinkedHashMap<>();
    weights.put("a", FixtureTensor.ofInts(random.ints(64 * 64).toArray(), 64, 64));
    weights.put("b", FixtureTensor.ofInts(random.ints(64 * 32).toArray(), 64, 32));
    weights.put("norm", FixtureTensor.ofInts(random.ints(64).toArray(), 64));
    return weights;
  }

  /** The bytes of a model.safetensors. */
  private byte[] weights(int seed) throws IOException {
    Path file = folder.resolve("weights");
    Checkpoints.writeFile(file, weightsOf(seed));
    return Files.readAllBytes(file);
  }

  private void replace(int seed) throws IOException {
    Path replacement = Files.write(modelFolder.resolve("new"), weights(seed));
    Files.move(
        replacement, modelFolder.resolve("model.safetensors"), StandardCopyOption.ATOMIC_MOVE);
  }

  private static void write(Path file, byte[] bytes) {
    try {
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until the model's files count as unchanging: their times have a step of some ms. */
  private static void rest() throws InterruptedException {
    Thread.sleep(2 * REST.toMillis());
  }

  private List<Path> files(String ending) throws IOException {
    try (Stream<Path> files = Files.list(cacheFolder)) {
      return files.filter(file -> file.toString().endsWith(ending)).toList();
    }
  }
}
