package dev.tritium.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * Remembers the digests of model folders, so that a start need not read the weights for them: one
 * small file for each folder, with the stamps of its files, the digest and a checksum. Folders of
 * the hub's cache share one where their blobs are the same.
 *
 * <p>A digest is believed only if every stamp is the same. Files that had changed within the last
 * two seconds before they were opened are not remembered: another change could leave the same
 * times, as in git's racily clean entries. Blobs are: their names say what they hold.
 */
final class DigestIndex {
  private static final Logger LOG = System.getLogger(DigestIndex.class.getName());
  static final Duration REST = Duration.ofSeconds(2); // the coarsest file times, those of FAT
  static final String EXTENSION = ".digest";
  private static final int NAME_CHARS = 32;

  private final Path folder;
  private final Duration rest;

  /**
   * @param folder need not exist
   * @param rest how long files must not have changed to be remembered
   */
  DigestIndex(Path folder, Duration rest) {
    this.folder = folder;
    this.rest = rest;
  }

  /** Gives the model its digest if it is known; returns whether it has one now. */
  boolean recall(ModelFolder model) {
    if (!model.modelDigest().isKnown()) {
      try {
        String stamps = stamps(model);
        String entry = Files.readString(path(model));
        byte[] digest = HexFormat.of().parseHex(entry, stamps.length(), stamps.length() + 64);
        if (entry.equals(entry(stamps, digest)) && isUnchanged(model)) {
          model.modelDigest().preset(digest);
          CheckpointFiles.touch(path(model));
        }
      } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
        LOG.log(Level.DEBUG, "no digest of " + model.path(), e);
      }
    }
    return model.modelDigest().isKnown();
  }

  /** Keeps the model's digest, if its files are at rest; failing to only costs time later. */
  void remember(ModelFolder model) {
    Instant latest = model.opened().minus(rest);
    boolean atRest =
        model.stamps().stream()
            .allMatch(s -> s.isBlob() || s.changed().toInstant().isBefore(latest));
    if (!atRest || !isUnchanged(model)) {
      return;
    }
    String entry = entry(stamps(model), model.digest());
    try {
      Path path = path(model);
      if (!Files.exists(path) || !Files.readString(path).equals(entry)) {
        Path temporary = folder.resolve(UUID.randomUUID() + PackedFileWriter.TEMPORARY);
        try {
          Files.writeString(temporary, entry);
          Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
        } finally {
          Files.deleteIfExists(temporary);
        }
      }
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "digest of " + model.path() + " not kept", e);
    }
  }

  private Path path(ModelFolder model) throws IOException {
    return folder.resolve(name(model) + EXTENSION);
  }

  /** A file name for what concerns a model folder, wherever symbolic links lead to it. */
  static String name(ModelFolder model) throws IOException {
    boolean blobs = model.stamps().stream().allMatch(FileStamp::isBlob);
    return hex(blobs ? stamps(model) : model.path().toRealPath().toString())
        .substring(0, NAME_CHARS);
  }

  /** Whether all files that the model was opened from are still what they were. */
  static boolean isUnchanged(ModelFolder model) {
    try {
      return model.stamps().stream().allMatch(stamp -> stamp.equals(FileStamp.of(stamp.path())));
    } catch (CheckpointException e) {
      return false; // a file is gone
    }
  }

  private static String stamps(ModelFolder model) {
    return model.stamps().stream().map(stamp -> stamp + "\n").collect(Collectors.joining());
  }

  private static String entry(String stamps, byte[] digest) {
    String text = stamps + HexFormat.of().formatHex(digest) + "\n";
    return text + hex(text) + "\n";
  }

  static String hex(String text) {
    return HexFormat.of().formatHex(ModelDigest.sha256().digest(text.getBytes(UTF_8)));
  }
}
