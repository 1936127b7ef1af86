package dev.tritium.hub;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.UUID;

/**
 * The cache of huggingface_hub, which its Python tools read and write too: {@code
 * models--OWNER--NAME/} with {@code blobs/HASH}, {@code refs/REVISION}, a file that holds a commit,
 * and {@code snapshots/COMMIT/}, links to blobs.
 *
 * <p>{@code .tritium/COMMIT.json} is ours: it says which files a whole snapshot has, see {@link
 * Manifest}.
 *
 * @param folder need not exist
 */
public record HubCache(Path folder) {
  static final String SNAPSHOTS = "snapshots";
  static final String BLOBS = "blobs";
  static final String REFS = "refs";

  private static final Logger LOG = System.getLogger(HubCache.class.getName());

  /** Where a model's files are. */
  record Model(ModelId id, Path cache, Path folder) {
    Path blob(String hash) {
      return blobs().resolve(hash);
    }

    Path blobs() {
      return folder.resolve(BLOBS);
    }

    Path snapshots() {
      return folder.resolve(SNAPSHOTS);
    }

    Path snapshot(String commit) {
      return snapshots().resolve(commit);
    }

    Path ref() {
      return folder.resolve(REFS).resolve(id.revision());
    }

    Path locks() {
      return cache.resolve(".locks").resolve(id.folderName());
    }

    Path lock(String hash) {
      return locks().resolve(hash + ".lock");
    }

    /** The commit that the revision is, as far as the cache knows. */
    Optional<String> commit() {
      if (ModelId.isCommit(id.revision())) {
        return Optional.of(id.revision());
      }
      try {
        return Optional.of(Files.readString(ref()).strip()).filter(ModelId::isCommit);
      } catch (IOException e) {
        return Optional.empty(); // no such ref
      }
    }

    /** Notes that the revision is that commit. */
    void pointTo(String commit) throws IOException {
      if (!ModelId.isCommit(id.revision()) && !commit().equals(Optional.of(commit))) {
        write(ref(), commit);
      }
    }
  }

  /** The model's place in the cache, whether anything is there or not. */
  Model model(ModelId id) {
    return new Model(id, folder, folder.resolve(id.folderName()));
  }

  /**
   * The snapshot of a model's revision, if all that is needed of it is there.
   *
   * @return a folder
   */
  public Optional<Path> find(ModelId id) {
    Model model = model(id);
    return model.commit().filter(commit -> Manifest.isWhole(model, commit)).map(model::snapshot);
  }

  /** Whether a file, or what a link leads to, is there and has that size. */
  static boolean isWhole(Path file, long bytes) {
    try {
      return Files.isRegularFile(file) && Files.size(file) == bytes;
    } catch (IOException e) {
      return false;
    }
  }

  /** Writes a small file so that nobody ever sees a part of it. */
  static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Path temporary = temporary(file);
    try {
      Files.writeString(temporary, text, UTF_8);
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static Path temporary(Path file) {
    return file.resolveSibling("." + UUID.randomUUID() + ".tmp");
  }

  /**
   * Gives a blob a name in a snapshot, unless it has that already: by a relative link, as the cache
   * may be moved or mounted elsewhere; where there are no links by a hard one, or else by a copy.
   *
   * @param links whether links are wanted at all
   */
  static void link(Path folder, String name, Path blob, boolean links) throws IOException {
    Path file = folder.resolve(name);
    if (isWhole(file, Files.size(blob))) {
      return;
    }
    Files.createDirectories(folder);
    Path temporary = temporary(file);
    try {
      if (!links || !isLinked(temporary, folder.relativize(blob), blob)) {
        Files.copy(blob, temporary);
      }
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
      requireNew(e);
    }
    try {
      Files.createLink(link, blob);
      return true;
    } catch (UnsupportedOperationException | FileSystemException e) {
      LOG.log(Level.DEBUG, "no links at " + link, e);
      return false;
    }
  }

  private static void requireNew(Exception failure) throws IOException {
    if (failure instanceof FileAlreadyExistsException e) {
      throw e;
    }
    LOG.log(Level.DEBUG, "no symbolic link", failure);
  }
}
