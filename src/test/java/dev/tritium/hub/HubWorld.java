package dev.tritium.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.testing.FakeHub;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A fake hub, an empty cache, and what must hold between them. */
final class HubWorld implements AutoCloseable {
  static final Path TINY = Path.of("src/test/resources/golden/hgrn-tiny");
  static final Path SHARDED = Path.of("src/test/resources/golden/hgrn-odd");
  static final ModelId ID = ModelId.require(FakeHub.ID);

  private static final Set<String> UNWANTED =
      Set.of("golden.safetensors", ".gitattributes", "pytorch_model.bin", "modeling_tiny.py");

  final FakeHub hub;
  final Map<String, String> variables = new HashMap<>();
  final Path home;

  HubWorld(Path model, Path home) throws IOException {
    this.hub = new FakeHub(model);
    this.home = home;
    variables.put("HF_ENDPOINT", hub.endpoint());
    variables.put("HF_HOME", home.toString());
  }

  /** The settings of the variables, but with waits that a test can bear. */
  HubSettings settings() {
    return HubSettings.of(variables::get, home.toString())
        .withRetries(
            new Retries(5, Duration.ofMillis(1), Duration.ofMillis(8), Duration.ofSeconds(2)));
  }

  Path pull(String id) {
    return Pull.run(settings(), ModelId.require(id), config -> {}, PullProgress.NONE);
  }

  Path pull() {
    return pull(FakeHub.ID);
  }

  HubCache cache() {
    return new HubCache(home.resolve("hub"));
  }

  Path model() {
    return cache().folder().resolve("models--acme--tiny-lm");
  }

  Path blob(String name) {
    return model().resolve("blobs").resolve(hub.hash(name));
  }

  Path partial(String name) {
    return model().resolve("blobs").resolve(hub.hash(name) + ".tritium.incomplete");
  }

  Set<String> wanted() {
    return hub.files.keySet().stream()
        .filter(name -> !UNWANTED.contains(name))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** What a pull ends with. */
  String failure() {
    String said = String.valueOf(assertThrows(HubException.class, this::pull).getMessage());
    assertEquals(1, said.lines().count(), said);
    return said;
  }

  /** The whole model is in the cache, byte for byte, and nothing else. */
  void assertWhole() {
    Path snapshot = cache().find(ID).orElseThrow(() -> new AssertionError("no model"));
    assertEquals(wanted(), names(snapshot));
    for (String name : wanted()) {
      assertArrayEquals(hub.content(name), bytes(snapshot.resolve(name)), name);
    }
    ModelFolder.open(snapshot).close();
    assertEquals(Set.of(), partials());
  }

  /** The cache has no model, or the whole of it. */
  void assertNoneOrWhole() {
    if (cache().find(ID).isPresent()) {
      assertWhole();
    }
    for (Path blob : CachedSnapshot.entries(model().resolve("blobs"))) {
      String name = blob.getFileName().toString();
      if (!name.endsWith(".incomplete")) {
        try {
          assertEquals(name, BlobHash.of(blob, name, n -> {}), "a blob of another content");
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  Set<String> partials() {
    return names(model().resolve("blobs")).stream()
        .filter(name -> name.endsWith(".incomplete"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** No file's bytes were asked for from the first on more than once. */
  void assertNothingTwice() {
    List<String> fromTheFirst =
        hub.downloads().stream().filter(r -> r.first() == 0).map(FakeHub.Request::file).toList();
    assertEquals(new TreeSet<>(fromTheFirst).size(), fromTheFirst.size(), fromTheFirst::toString);
    assertTrue(new TreeSet<>(wanted()).containsAll(fromTheFirst), fromTheFirst::toString);
  }

  static Set<String> names(Path folder) {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(file -> file.getFileName().toString())
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    hub.close();
  }
}
