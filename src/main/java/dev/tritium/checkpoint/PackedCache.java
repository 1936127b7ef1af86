package dev.tritium.checkpoint;

import dev.tritium.checkpoint.PackedFile.Section;
import dev.tritium.storage.CacheFolder;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The folder of packed files. A file's name is made of its format and of the digest of the
 * checkpoint it was packed from, so that other weights never find it, wherever they lie and
 * whatever their files' times say. {@link DigestIndex} spares reading the weights for that.
 *
 * <p>Any number of processes may share the folder: files appear whole, and what is damaged is
 * packed anew. Nothing is deleted but what killed writers leave, until {@link #prune} is called: a
 * file's modification time is that of its last use.
 */
public final class PackedCache {
  private static final Logger LOG = System.getLogger(PackedCache.class.getName());
  private static final String LOCK = ".lock";

  /** All that the folder has but what is being written, which its writer deletes. */
  private static final String PRUNED =
      "*{" + PackedFile.EXTENSION + "," + DigestIndex.EXTENSION + "," + LOCK + "}";

  private final Path folder;
  private final Parallel parallel;
  private final DigestIndex index;

  /** Runs a task for each of the numbers [0, count), in any order, perhaps on several threads. */
  @FunctionalInterface
  public interface Parallel {
    void forEach(int count, IntConsumer task);
  }

  /**
   * @param folder need not exist
   * @param parallel used to check packed files and to hash weights
   */
  public PackedCache(Path folder, Parallel parallel) {
    this(folder, parallel, DigestIndex.REST);
  }

  PackedCache(Path folder, Parallel parallel, Duration rest) {
    this.folder = folder;
    this.parallel = parallel;
    this.index = new DigestIndex(folder, rest);
  }

  /** The user's cache. */
  public static PackedCache ofUser(Parallel parallel) {
    return new PackedCache(folderOfUser(), parallel);
  }

  /** Where the user's cache lies, or will: {@code packed} in {@link CacheFolder}. */
  public static Path folderOfUser() {
    return CacheFolder.path().resolve("packed");
  }

  /**
   * Deletes the files that no start has used since a moment: of models that are gone, or packed by
   * other versions. Who has one open keeps it until its end.
   *
   * @param folder need not exist
   * @return bytes of the files that were deleted
   * @throws CheckpointException if one cannot be deleted
   */
  public static long prune(Path folder, Instant unusedSince) {
    long freed = 0;
    if (!Files.exists(folder)) {
      return freed;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, PRUNED)) {
      for (Path file : files) {
        freed += pruneFile(file, unusedSince);
      }
    } catch (IOException | DirectoryIteratorException e) {
      throw new CheckpointException("%s: cannot be pruned: %s".formatted(folder, e), e);
    }
    return freed;
  }

  private static long pruneFile(Path file, Instant unusedSince) throws IOException {
    try {
      if (!Files.getLastModifiedTime(file).toInstant().isBefore(unusedSince)) {
        return 0;
      }
      long bytes = Files.size(file);
      Files.delete(file);
      return bytes;
    } catch (NoSuchFileException e) { // another process prunes, too
      return 0;
    }
  }

  /**
   * The model's packed file; if there is none, or a damaged one, {@code packer} fills a new one. A
   * process that packs the same model at the same time is waited for.
   *
   * @param formatId letters and digits, such as {@code T9}
   * @param version to be changed with the quantiser and with the layout of the payload
   * @param packer adds all matrices; not called if there is a good file. What it throws is thrown
   *     on
   * @return an intact file, which the caller closes; all of it was just read or written, so that it
   *     is in memory as far as there is room
   * @throws PackedCacheException if there is no file and none can be written
   * @throws CheckpointException if the model's files change while they are packed
   */
  public PackedFile findOrPack(
      ModelFolder model, String formatId, int version, Consumer<PackedFileWriter> packer) {
    Optional<PackedFile> found = find(model, formatId, version);
    if (found.isPresent()) {
      return found.get();
    }
    try (PackingLock lock = lock(model)) {
      if (lock.waited()) {
        found = find(model, formatId, version);
        if (found.isPresent()) {
          return found.get();
        }
      }
      try (PackedFileWriter writer = PackedFileWriter.create(folder)) {
        packer.accept(writer);
        byte[] digest = digest(model);
        if (!DigestIndex.isUnchanged(model)) { // the digest may be that of other weights
          throw new CheckpointException(model.path() + ": changed while it was read; start again");
        }
        return writer.finish(formatId, version, digest);
      }
    }
  }

  private Optional<PackedFile> find(ModelFolder model, String formatId, int version) {
    // A first start needs no digest yet: hashing waits until packing has read the weights.
    if (!index.recall(model) && !holdsAny(formatId, version)) {
      return Optional.empty();
    }
    byte[] digest = digest(model);
    Path path = folder.resolve(PackedFile.fileName(formatId, version, digest));
    if (!Files.exists(path)) {
      return Optional.empty();
    }
    try {
      PackedFile file = PackedFile.open(path);
      String problem =
          file.holds(formatId, version, digest) ? firstDamage(file) : "holds another model";
      if (problem == null) {
        CheckpointFiles.touch(path);
        return Optional.of(file);
      }
      file.close();
      LOG.log(Level.WARNING, "{0}: {1}; packing the model again", path, problem);
    } catch (CheckpointException e) {
      LOG.log(Level.WARNING, "{0}; packing the model again", e.getMessage());
    }
    return Optional.empty();
  }

  private boolean holdsAny(String formatId, int version) {
    String names = PackedFile.fileNamePrefix(formatId, version) + "*";
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, names)) {
      return files.iterator().hasNext();
    } catch (IOException | DirectoryIteratorException e) {
      return false; // no folder yet
    }
  }

  /** What is wrong with a section, or null. */
  private @Nullable String firstDamage(PackedFile file) {
    AtomicReference<@Nullable String> damage = new AtomicReference<>();
    List<Section> sections = file.sections();
    try {
      parallel.forEach(
          sections.size(),
          i -> {
            if (!sections.get(i).isIntact()) {
              damage.set("section " + sections.get(i).name() + " is damaged");
            }
          });
    } catch (InternalError e) { // a mapped page that the disk cannot give
      return "cannot be read";
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
    return damage.get();
  }

  /** The model's digest, from the index or from all weights. */
  private byte[] digest(ModelFolder model) {
    if (!index.recall(model)) {
      List<String> names = List.copyOf(model.tensorNames());
      parallel.forEach(names.size(), i -> model.hash(names.get(i)));
    }
    byte[] digest = model.digest();
    index.remember(model);
    return digest;
  }

  /** Only spares work: without locks two processes pack the same file, and one replaces it. */
  private record PackingLock(@Nullable FileChannel channel, boolean waited)
      implements AutoCloseable {
    @Override
    public void close() {
      try {
        if (channel != null) {
          channel.close();
        }
      } catch (IOException e) {
        LOG.log(Level.DEBUG, "closing a lock file", e);
      }
    }
  }

  @SuppressWarnings("MustBeClosed") // the lock closes it
  private PackingLock lock(ModelFolder model) {
    FileChannel channel = null;
    try {
      Path file = folder.resolve(DigestIndex.name(model) + LOCK);
      Files.createDirectories(folder);
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      boolean waited = channel.tryLock() == null;
      if (waited) {
        LOG.log(
            Level.INFO, "waiting for another process that packs {0}, lock {1}", model.path(), file);
        channel.lock();
      }
      return new PackingLock(channel, waited);
    } catch (IOException | OverlappingFileLockException e) {
      LOG.log(Level.DEBUG, "packing without a lock", e);
      return new PackingLock(channel, false);
    }
  }
}
