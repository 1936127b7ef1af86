package dev.tritium.energy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Looks through the kernel's folders, where anything may be missing. */
final class Sysfs {
  private Sysfs() {}

  /** What is in a folder and matches a glob, in the order of names; nothing if it is not there. */
  static List<Path> entries(Path folder, String glob) {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
      List<Path> sorted = new ArrayList<>();
      entries.forEach(sorted::add);
      sorted.sort(null);
      return sorted;
    } catch (IOException | DirectoryIteratorException e) {
      return List.of();
    }
  }

  /** What a file says, without white space around it; empty if it cannot be read. */
  static String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1).strip();
    } catch (IOException e) {
      return "";
    }
  }
}
