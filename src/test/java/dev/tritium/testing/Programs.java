package dev.tritium.testing;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;

/** Programs of this machine, and scripts that stand in for them. */
public final class Programs {
  private Programs() {}

  /** Where a program is: on the PATH, or in one of more folders. */
  public static Optional<Path> find(String name, String... moreFolders) {
    return Stream.concat(
            Stream.of(System.getenv("PATH").split(File.pathSeparator)), Stream.of(moreFolders))
        .map(folder -> Path.of(folder, name).toAbsolutePath())
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Where a program is without which a test fails. */
  public static Path require(String name) {
    return find(name).orElseThrow(() -> new AssertionError("this test needs " + name));
  }

  /** Writes a script of the shell. */
  public static void script(Path file, String text) throws IOException {
    write(file, text.startsWith("#!") ? text : "#!/bin/sh\n" + text);
    Assertions.assertTrue(file.toFile().setExecutable(true));
  }

  /** Writes a file, and the folders that it lies in. */
  public static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
