package dev.tritium.hub;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Takes models out of the cache. Names go first, then files: whoever looks meanwhile finds no model
 * rather than half of one.
 */
public final class Removal {
  private Removal() {}

  /**
   * Removes a model with all its revisions.
   *
   * @return bytes that are free now
   * @throws HubException if it is not there
   */
  public static long all(HubCache cache, ModelId id) {
    HubCache.Model model = cache.model(id);
    if (!Files.isDirectory(model.folder())) {
      throw notCached(cache, id);
    }
    try {
      delete(model.folder().resolve(HubCache.REFS));
      delete(model.ours());
      long freed = delete(model.folder().resolve(HubCache.SNAPSHOTS)) + delete(model.folder());
      delete(model.locks());
      return freed;
    } catch (IOException e) {
      throw DiskFailure.of(id, model.folder(), e);
    }
  }

  /**
   * Removes one revision, and of its files those that no other revision has.
   *
   * @return bytes that are free now
   * @throws HubException if it is not there
   */
  public static long revision(HubCache cache, ModelId id) {
    HubCache.Model model = cache.model(id);
    String commit = model.commit().orElseThrow(() -> notCached(cache, id));
    Path snapshot = model.snapshot(commit);
    if (!Files.isDirectory(snapshot)) {
      throw notCached(cache, id);
    }
    List<Path> others =
        CachedSnapshot.entries(model.snapshots()).stream()
            .filter(other -> !other.equals(snapshot) && Files.isDirectory(other))
            .toList();
    if (others.isEmpty()) {
      return all(cache, id);
    }
    try {
      Set<String> blobs = hashes(model, snapshot);
      for (String name : CachedSnapshot.refs(model).getOrDefault(commit, new TreeSet<>())) {
        Files.delete(model.folder().resolve(HubCache.REFS).resolve(name));
      }
      Files.deleteIfExists(Manifest.path(model, commit));
      Files.deleteIfExists(Manifest.pythonsList(model, commit));
      long freed = delete(snapshot);
      others.forEach(other -> blobs.removeAll(hashes(model, other)));
      for (String blob : blobs) {
        freed += delete(model.blob(blob));
      }
      return freed;
    } catch (IOException e) {
      throw DiskFailure.of(id, model.folder(), e);
    }
  }

  private static HubException notCached(HubCache cache, ModelId id) {
    return new HubException("%s is not in %s".formatted(id, cache.folder()));
  }

  private static Set<String> hashes(HubCache.Model model, Path snapshot) {
    Map<String, RemoteFile> noted =
        Manifest.read(model, String.valueOf(snapshot.getFileName())).orElse(Map.of());
    return CachedSnapshot.files(snapshot).stream()
        .flatMap(file -> CachedSnapshot.hash(file, noted).stream())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Deletes a file or a folder with all that is in it, never what a link leads to. */
  private static long delete(Path path) throws IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return 0;
    }
    List<Path> all;
    try (Stream<Path> walk = Files.walk(path)) {
      all = walk.sorted(Comparator.reverseOrder()).toList(); // what is inside first
    }
    long freed = 0;
    for (Path each : all) {
      BasicFileAttributes found =
          Files.readAttributes(each, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      try {
        Files.delete(each);
      } catch (DirectoryNotEmptyException e) {
        throw new IOException("another program writes into it", e);
      }
      freed += found.isRegularFile() ? found.size() : 0;
    }
    return freed;
  }
}
