package dev.tritium.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cache with two revisions that share all files but one. */
class RemovalTest {
  private static final String OLD = "e".repeat(40);
  private static final String OLD_CONFIG = "d".repeat(40);

  @TempDir private Path home;
  private HubWorld world;

  @BeforeEach
  void pull() throws IOException {
    world = new HubWorld(HubWorld.TINY, home);
    Path snapshot = world.pull();
    Path old = Files.createDirectories(snapshot.resolveSibling(OLD));
    Files.writeString(world.model().resolve("blobs").resolve(OLD_CONFIG), "{}\n");
    Files.createSymbolicLink(old.resolve("config.json"), Path.of("../../blobs", OLD_CONFIG));
    for (String name : List.of("model.safetensors", "tokenizer.json")) {
      Files.createSymbolicLink(old.resolve(name), Path.of("../../blobs", world.hub.hash(name)));
    }
    Files.writeString(world.model().resolve("refs/v0"), OLD);
  }

  @AfterEach
  void close() {
    world.close();
  }

  private HubCache cache() {
    return world.cache();
  }

  @Test
  void aRevisionTakesOnlyItsOwnFilesWithIt() {
    assertEquals(
        List.of(List.of("main"), List.of("v0")),
        CachedSnapshot.all(cache()).stream()
            .map(CachedSnapshot::revisions)
            .sorted(Comparator.comparing(Object::toString))
            .toList());
    assertEquals(3, Removal.revision(cache(), ModelId.require("acme/tiny-lm@v0")));
    assertFalse(Files.exists(world.model().resolve("blobs").resolve(OLD_CONFIG)));
    assertFalse(Files.exists(world.model().resolve("refs/v0")));
    world.assertWhole();
    Removal.revision(cache(), ModelId.require("acme/tiny-lm@main"));
    assertFalse(Files.exists(world.model()), "it was the last one");
  }

  @Test
  void aModelGoesWithAllItsRevisionsAndNothingElse() throws IOException {
    Path other = Files.createDirectories(cache().folder().resolve("models--acme--other/blobs"));
    Path outside = Files.writeString(home.resolve("outside"), "stays");
    Files.createSymbolicLink(world.model().resolve("blobs/link"), outside);
    assertTrue(Removal.all(cache(), HubWorld.ID) > 2_000_000);
    assertFalse(Files.exists(world.model()));
    assertTrue(Files.exists(other));
    assertTrue(Files.exists(outside));
  }

  @Test
  void whatIsNotThereIsSaidToBeMissing() {
    for (String id : List.of("acme/no", "acme/tiny-lm@v9")) {
      assertThrows(HubException.class, () -> Removal.revision(cache(), ModelId.require(id)), id);
    }
    assertThrows(HubException.class, () -> Removal.all(cache(), ModelId.require("acme/no")));
  }
}
