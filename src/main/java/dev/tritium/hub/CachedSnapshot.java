package dev.tritium.hub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A revision of a model in the cache, whoever has put it there.
 *
 * @param model {@code owner/name}
 * @param commit empty if only parts of files have come so far
 * @param revisions branches and tags that are this commit
 * @param bytes of its files
 * @param whole whether all that is needed is there
 * @param folder where its files are
 */
public record CachedSnapshot(
    String model, String commit, List<String> revisions, long bytes, boolean whole, Path folder) {

  public CachedSnapshot {
    revisions = List.copyOf(revisions);
  }

  /** All models of the cache, by name. */
  public static List<CachedSnapshot> all(HubCache cache) {
    List<CachedSnapshot> all = new ArrayList<>();
    for (Path folder : entries(cache.folder())) {
      ModelId.ofFolder(String.valueOf(folder.getFileName()))
          .ifPresent(id -> all.addAll(of(cache.model(id))));
    }
    return all;
  }

  private static List<CachedSnapshot> of(HubCache.Model model) {
    Map<String, TreeSet<String>> refs = refs(model);
    List<CachedSnapshot> found = new ArrayList<>();
    for (Path folder : entries(model.folder().resolve(HubCache.SNAPSHOTS))) {
      String commit = String.valueOf(folder.getFileName());
      if (ModelId.isCommit(commit)) {
        found.add(
            new CachedSnapshot(
                model.id().repository(),
                commit,
                List.copyOf(refs.getOrDefault(commit, new TreeSet<>())),
                bytes(folder),
                Manifest.isWhole(model, commit),
                folder));
      }
    }
    Path blobs = model.folder().resolve(HubCache.BLOBS);
    if (found.isEmpty() && !entries(blobs).isEmpty()) {
      found.add(
          new CachedSnapshot(
              model.id().repository(), "", List.of(), bytes(blobs), false, model.folder()));
    }
    return found;
  }

  /** The names of each commit. */
  static Map<String, TreeSet<String>> refs(HubCache.Model model) {
    Map<String, TreeSet<String>> names = new TreeMap<>();
    Path refs = model.folder().resolve(HubCache.REFS);
    for (Path file : files(refs)) {
      try {
        String name = refs.relativize(file).toString().replace('\\', '/');
        names.computeIfAbsent(Files.readString(file).strip(), _ -> new TreeSet<>()).add(name);
      } catch (IOException e) {
        // gone meanwhile
      }
    }
    return names;
  }

  private static long bytes(Path folder) {
    return files(folder).stream().mapToLong(CachedSnapshot::size).sum();
  }

  private static long size(Path file) {
    try {
      return Files.size(file); // of what a link leads to
    } catch (IOException e) {
      return 0; // nowhere
    }
  }

  /** What is in a folder, in order; nothing if there is no such folder. */
  static List<Path> entries(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.sorted().toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  /** All files and links below a folder, in order. */
  static List<Path> files(Path folder) {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
          .sorted()
          .toList();
    } catch (IOException | UncheckedIOException e) {
      return List.of();
    }
  }

  /** The hash by which a snapshot's file is a blob: that of the link, or of our own note. */
  static Optional<String> hash(Path file, Map<String, RemoteFile> noted) {
    if (Files.isSymbolicLink(file)) {
      try {
        Path target = Files.readSymbolicLink(file);
        return RemoteFile.hash(String.valueOf(target.getFileName()));
      } catch (IOException e) {
        return Optional.empty();
      }
    }
    return Optional.ofNullable(noted.get(String.valueOf(file.getFileName()))).map(RemoteFile::hash);
  }
}
