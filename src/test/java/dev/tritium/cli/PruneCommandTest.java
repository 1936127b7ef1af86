package dev.tritium.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.ExitCode;

/** In a process of its own, for its environment says where the cache is. */
class PruneCommandTest {
  @TempDir Path cache;

  @Test
  void freesWhatNoStartHasUsedForAMonth() throws Exception {
    Path old = packed("old", Duration.ofDays(31));
    Path recent = packed("recent", Duration.ofDays(29));
    assertTrue(prune(ExitCode.OK).endsWith("packed: 5 B are free"));
    assertFalse(Files.exists(old));
    assertTrue(Files.exists(recent));

    assertTrue(prune(ExitCode.OK, "--unused-days=0", "--json").contains("\"freed_bytes\" : 5"));
    assertFalse(Files.exists(recent));
  }

  @Test
  void refusesDaysBelowZero() throws Exception {
    assertTrue(prune(ExitCode.SOFTWARE, "--unused-days=-1").contains("at least 0, found -1"));
  }

  private Path packed(String name, Duration unused) throws IOException {
    Path folder = Files.createDirectories(cache.resolve("packed"));
    Path file = Files.write(folder.resolve(name + ".packed"), new byte[5]);
    return Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(unused)));
  }

  private String prune(int status, String... options) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "prune");
    builder.command().addAll(List.of(options));
    builder.environment().put("TRITIUM_CACHE", cache.toString());
    Process process = builder.redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
    assertEquals(status, process.waitFor(), said);
    return said;
  }
}
