package dev.tritium.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelIdTest {
  @Test
  void anIdHasAnOwnerANameAndPerhapsARevision() {
    ModelId main = ModelId.require("ridger/MMfreeLM-370M");
    assertEquals(new ModelId("ridger", "MMfreeLM-370M", "main"), main);
    assertEquals("ridger/MMfreeLM-370M", main.toString());
    assertEquals("models--ridger--MMfreeLM-370M", main.folderName());
    ModelId request = ModelId.require("a/b.c_d@refs/pr/1");
    assertEquals("refs/pr/1", request.revision());
    assertEquals("a/b.c_d@refs/pr/1", request.toString());
    assertEquals("refs%2Fpr%2F1", request.quotedRevision());
    assertEquals(Optional.of(main), ModelId.ofFolder(main.folderName()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a",
        "a/b/c",
        "/a/b",
        "./b",
        "a/..",
        "../b",
        "a/b..c",
        "a--x/b",
        "a/b.git",
        "-a/b",
        "a/b-",
        "a/b c",
        "a/b\n",
        "a/b@",
        "a/b@../x",
        "a/b@x/../y",
        "a/b@/x",
        "a/b@x/",
        "a/b@.x",
        "a/b@x y",
        "a/b@x\\y",
        "a/b@x.lock",
        "a\\b",
        "C:/b"
      })
  void whatCouldLeadElsewhereIsNoId(String text) {
    assertEquals(Optional.empty(), ModelId.parse(text));
    String said =
        String.valueOf(assertThrows(HubException.class, () -> ModelId.require(text)).getMessage());
    assertEquals(1, said.lines().count(), said);
  }

  @Test
  void aSnapshotSaysWhichModelItIs() {
    Path snapshot =
        Path.of(
            "x/models--ridger--MMfreeLM-370M/snapshots", "0123456789abcdef".repeat(2) + "01234567");
    assertEquals(
        Optional.of("ridger/MMfreeLM-370M"), ModelId.ofSnapshot(snapshot).map(ModelId::repository));
    assertTrue(ModelId.ofSnapshot(Path.of("models/tritium-stories-17m")).isEmpty());
    assertTrue(ModelId.ofSnapshot(Path.of("/")).isEmpty());
  }
}
