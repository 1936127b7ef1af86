package dev.tritium.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.checkpoint.CheckpointException;
import dev.tritium.checkpoint.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Whether a snapshot is whole. Ours say so by {@code .tritium/COMMIT.json}, written when all files
 * are there: names with their sizes and hashes. Of those that Python has made, its {@code
 * trees/COMMIT.json} lists what the model has; where that is missing too, the files that no model
 * can do without must be there.
 */
final class Manifest {
  private static final String FILES = "files";

  private Manifest() {}

  /** Our note about a snapshot. */
  static Path path(HubCache.Model model, String commit) {
    return model.ours().resolve(commit + ".json");
  }

  /** What huggingface_hub keeps of the hub's listing. */
  static Path pythonsList(HubCache.Model model, String commit) {
    return model.folder().resolve("trees").resolve(commit + ".json");
  }

  /** Notes that the snapshot has all these files. */
  static void write(HubCache.Model model, String commit, Collection<RemoteFile> files)
      throws IOException {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    ObjectNode all = root.putObject(FILES);
    for (RemoteFile file : files) {
      all.putObject(file.name()).put("size", file.bytes()).put("hash", file.hash());
    }
    new AtomicFiles(model.ours()).write(path(model, commit), root.toPrettyString() + "\n");
  }

  /** The files of a snapshot of ours by name; nothing if it is not ours or was not finished. */
  static Optional<Map<String, RemoteFile>> read(HubCache.Model model, String commit) {
    return json(path(model, commit))
        .map(
            root -> {
              Map<String, RemoteFile> files = new TreeMap<>();
              root.path(FILES)
                  .properties()
                  .forEach(
                      entry ->
                          RemoteFile.hash(entry.getValue().path("hash").asText())
                              .filter(hash -> Listing.isPlain(entry.getKey()))
                              .ifPresent(
                                  hash ->
                                      files.put(
                                          entry.getKey(),
                                          new RemoteFile(
                                              entry.getKey(),
                                              Math.max(0, entry.getValue().path("size").asLong()),
                                              hash))));
              return files;
            })
        .filter(files -> !files.isEmpty());
  }

  /** Whether it was we who made the snapshot. */
  static boolean isOurs(HubCache.Model model, String commit) {
    return read(model, commit).isPresent();
  }

  private static Optional<JsonNode> json(Path file) {
    try {
      return Optional.of(StrictJson.object(file.toString(), Files.readAllBytes(file)));
    } catch (IOException | CheckpointException e) {
      return Optional.empty(); // none, or a damaged one
    }
  }

  /** Whether all that is needed of a snapshot is there. */
  static boolean isWhole(HubCache.Model model, String commit) {
    Path snapshot = model.snapshot(commit);
    Optional<Map<String, RemoteFile>> ours = read(model, commit);
    if (ours.isPresent()) {
      return ours.get().values().stream()
          .allMatch(file -> HubCache.isWhole(snapshot.resolve(file.name()), file.bytes()));
    }
    Set<String> names = listed(model, commit).orElseGet(() -> names(snapshot));
    return needed(model.id(), snapshot, names).stream()
        .allMatch(name -> Files.isRegularFile(snapshot.resolve(name)));
  }

  /** What Python knows the commit to hold. */
  private static Optional<Set<String>> listed(HubCache.Model model, String commit) {
    return json(pythonsList(model, commit))
        .map(
            root ->
                root.path(FILES).properties().stream()
                    .map(Map.Entry::getKey)
                    .collect(Collectors.toSet()));
  }

  private static Set<String> needed(ModelId id, Path snapshot, Set<String> names) {
    try {
      return NeededFiles.of(
          names,
          NeededFiles.isSharded(names)
              ? NeededFiles.shards(id, Files.readAllBytes(snapshot.resolve(NeededFiles.INDEX)))
              : Set.of());
    } catch (IOException | HubException | CheckpointException e) {
      return Set.of(NeededFiles.INDEX + " that can be read"); // which is not there
    }
  }

  private static Set<String> names(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> String.valueOf(file.getFileName()))
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException e) {
      return Set.of();
    }
  }
}
