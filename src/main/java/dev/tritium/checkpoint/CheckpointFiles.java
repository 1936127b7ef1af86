package dev.tritium.checkpoint;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reading the small files of a model folder, with errors that say which file and why. */
final class CheckpointFiles {
  private CheckpointFiles() {}

  /**
   * All bytes of a file.
   *
   * @throws CheckpointException if it cannot be read or is longer than {@code maxBytes}
   */
  static byte[] read(Path file, int maxBytes) {
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(
          file + (Files.exists(file) ? ": not a regular file" : ": no such file"));
    }
    try (var in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(maxBytes);
      if (in.read() >= 0) {
        throw new CheckpointException(file + ": longer than " + maxBytes + " bytes");
      }
      return bytes;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  static CheckpointException unreadable(Path file, IOException e) {
    String reason =
        switch (e) {
          case AccessDeniedException _ -> "no permission to read it";
          case NoSuchFileException _ -> "no such file";
          default -> "cannot be read: " + e;
        };
    return new CheckpointException(file + ": " + reason, e);
  }
}
