package dev.tritium.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

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

    /** The folder for what is ours alone. */
    Path ours() {
      return folder.resolve(".tritium");
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
        new AtomicFiles(ours()).write(ref(), commit);
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

  /** The snapshot of a commit, if {@link Pull} has made it and it is whole. */
  Optional<Path> pulled(ModelId id) {
    boolean isCommit = ModelId.isCommit(id.revision());
    return isCommit && Manifest.isOurs(model(id), id.revision()) ? find(id) : Optional.empty();
  }

  /** Whether a file, or what a link leads to, is there and has that size. */
  static boolean isWhole(Path file, long bytes) {
    try {
      return Files.isRegularFile(file) && Files.size(file) == bytes;
    } catch (IOException e) {
      return false;
    }
  }
}
