package dev.tritium.checkpoint;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.function.BiFunction;

/** Reading a model's files, with errors that say which file and why. */
final class CheckpointFiles {
  private static final Logger LOG = System.getLogger(CheckpointFiles.class.getName());

  private CheckpointFiles() {}

  /**
   * All bytes of a file.
   *
   * @throws CheckpointException if it cannot be read or is longer than {@code maxBytes}
   */
  static byte[] read(Path file, int maxBytes) {
    requireRegular(file);
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

  /**
   * Maps a whole file read-only for {@code reader}, whose result keeps the arena and closes it; if
   * the reader throws, the file is unmapped.
   *
   * @throws CheckpointException if it cannot be read
   */
  @SuppressWarnings("MustBeClosed") // the arena lives as long as what the reader makes of it
  static <T> T map(Path file, BiFunction<Arena, MemorySegment, T> reader) {
    requireRegular(file);
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return reader.apply(
          arena, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
    } catch (IOException e) {
      arena.close();
      throw unreadable(file, e);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  /** Checks that it is a file, since opening a pipe would block for ever. */
  static void requireRegular(Path file) {
    if (!attributes(file).isRegularFile()) {
      throw new CheckpointException(file + ": not a regular file");
    }
  }

  static void requireFolder(Path folder) {
    if (!attributes(folder).isDirectory()) {
      throw new CheckpointException(folder + ": not a folder");
    }
  }

  private static BasicFileAttributes attributes(Path path) {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class);
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /** Notes that a file is in use; where that is impossible it only looks unused. */
  static void touch(Path file) {
    try {
      Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "not touched: " + file, e);
    }
  }

  static CheckpointException unreadable(Path file, IOException e) {
    String reason =
        switch (e) {
          case AccessDeniedException _ -> "no permission to read it";
          case NoSuchFileException _ -> "no such file or folder";
          default -> "cannot be read: " + e;
        };
    return new CheckpointException(file + ": " + reason, e);
  }
}
