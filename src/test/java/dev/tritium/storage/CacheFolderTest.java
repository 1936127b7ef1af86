package dev.tritium.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CacheFolderTest {
  @Test
  void theUsersChoiceGoesFirst() {
    String tritium = Path.of("/fast/disk").toAbsolutePath().toString();
    String xdg = Path.of("/xdg").toAbsolutePath().toString();
    assertFolder(Path.of(tritium), Map.of("TRITIUM_CACHE", tritium, "XDG_CACHE_HOME", xdg));
    assertFolder(Path.of(xdg, "tritium"), Map.of("TRITIUM_CACHE", "", "XDG_CACHE_HOME", xdg));
    assertFolder(Path.of("home", ".cache", "tritium"), Map.of("XDG_CACHE_HOME", ""));
    assertFolder(Path.of("here"), Map.of("TRITIUM_CACHE", "here"));
  }

  private static void assertFolder(Path expected, Map<String, String> environment) {
    assertEquals(expected.toAbsolutePath(), CacheFolder.path(environment::get, "home"));
  }
}
