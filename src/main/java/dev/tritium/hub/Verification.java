package dev.tritium.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Whether the files of a snapshot still are what the hub had, without asking the hub. */
public final class Verification {
  private Verification() {}

  /** What became of a file. */
  public enum State {
    OK,
    /** It has another hash. */
    DAMAGED,
    /** A link that leads nowhere, or no file at all. */
    MISSING,
    /** A copy that Python has made; nothing here says what its hash should be. */
    UNKNOWN
  }

  /**
   * One file.
   *
   * @param path the blob, or the file itself where it is a copy
   */
  public record FileCheck(String name, State state, long bytes, Path path) {}

  /** Reads and hashes all files of a snapshot. */
  public static List<FileCheck> of(HubCache cache, CachedSnapshot snapshot) {
    HubCache.Model model = cache.model(ModelId.require(snapshot.model()));
    Map<String, RemoteFile> noted = Manifest.read(model, snapshot.commit()).orElse(Map.of());
    List<FileCheck> found =
        CachedSnapshot.files(snapshot.folder()).stream()
            .map(file -> check(snapshot.folder(), file, noted))
            .toList();
    List<FileCheck> gone =
        noted.keySet().stream()
            .filter(name -> found.stream().noneMatch(check -> check.name().equals(name)))
            .map(name -> new FileCheck(name, State.MISSING, 0, snapshot.folder().resolve(name)))
            .toList();
    return Stream.concat(found.stream(), gone.stream()).toList();
  }

  private static FileCheck check(Path folder, Path file, Map<String, RemoteFile> noted) {
    String name = folder.relativize(file).toString();
    Optional<String> hash = CachedSnapshot.hash(file, noted);
    try {
      Path real = file.toRealPath();
      State state =
          hash.isEmpty()
              ? State.UNKNOWN
              : BlobHash.of(real, hash.get(), n -> {}).equals(hash.get())
                  ? State.OK
                  : State.DAMAGED;
      return new FileCheck(name, state, Files.size(real), real);
    } catch (IOException e) {
      return new FileCheck(name, State.MISSING, 0, file);
    }
  }
}
