package dev.tritium.hub;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/**
 * Makes files of which nobody ever sees a part: elsewhere first, and then moved into place. What a
 * killed process leaves is not where others look, and goes when it is old.
 *
 * @param workshop folder on the same disk; need not exist
 */
record AtomicFiles(Path workshop) {
  private static final Logger LOG = System.getLogger(AtomicFiles.class.getName());
  private static final String TEMPORARY = ".tmp";
  private static final Duration OLD = Duration.ofDays(1);

  /** Writes a small file. */
  void write(Path file, String text) throws IOException {
    Path temporary = temporary();
    try {
      Files.writeString(temporary, text, UTF_8);
      Files.createDirectories(file.getParent());
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /**
   * Gives a blob a name in a snapshot, unless it has that already: by a relative link, as the cache
   * may be moved or mounted elsewhere; where there are no links by a hard one, or else by a copy.
   *
   * @param links whether links are wanted at all
   */
  void link(Path snapshot, String name, Path blob, boolean links) throws IOException {
    Path file = snapshot.resolve(name);
    if (HubCache.isWhole(file, Files.size(blob))) {
      return;
    }
    Path temporary = temporary();
    try {
      if (!links || !isLinked(temporary, snapshot.relativize(blob), blob)) {
        Files.copy(blob, temporary);
      }
      Files.createDirectories(snapshot);
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static boolean isLinked(Path link, Path target, Path blob) throws IOException {
    try {
      Files.createSymbolicLink(link, target);
      return true;
    } catch (UnsupportedOperationException | FileSystemException e) {
      LOG.log(Level.DEBUG, "no symbolic link at " + link, e);
    }
    try {
      Files.createLink(link, blob);
      return true;
    } catch (UnsupportedOperationException | FileSystemException e) {
      LOG.log(Level.DEBUG, "no links at " + link, e);
      return false;
    }
  }

  private Path temporary() throws IOException {
    Files.createDirectories(workshop);
    return workshop.resolve(UUID.randomUUID() + TEMPORARY);
  }

  /** Deletes what killed processes have left. */
  void sweep() {
    Instant old = Instant.now().minus(OLD);
    for (Path file : CachedSnapshot.entries(workshop)) {
      try {
        Instant made = Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toInstant();
        if (file.toString().endsWith(TEMPORARY) && made.isBefore(old)) {
          Files.deleteIfExists(file);
        }
      } catch (IOException e) {
        LOG.log(Level.DEBUG, "in place already, or not ours", e);
      }
    }
  }
}
