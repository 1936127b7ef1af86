package dev.tritium.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A model's folder in the layout of the Hugging Face hub: config.json, perhaps
 * generation_config.json, and the weights in model.safetensors or in the shards that
 * model.safetensors.index.json names (where both are present, model.safetensors, as transformers
 * does).
 *
 * <p>Files inside may be symbolic links, as in the hub's cache. Immutable and safe for any number
 * of threads; the tensors can be read until it is closed.
 */
public final class ModelFolder implements AutoCloseable {
  private static final String CONFIG = "config.json";
  private static final String GENERATION_CONFIG = "generation_config.json";
  private static final String WEIGHTS = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final String EOS = "eos_token_id";
  private static final int MAX_CONFIG_BYTES = 4 << 20;
  private static final int MAX_INDEX_BYTES = 100_000_000;
  private static final int MAX_NAMES_SHOWN = 20;

  private final Path path;
  private final ModelConfig config;
  private final ModelConfig generationConfig;
  private final List<SafetensorsFile> files = new ArrayList<>();
  private final Map<String, Tensor> tensors = new TreeMap<>();
  private final Instant opened = Instant.now();
  private final List<FileStamp> stamps = new ArrayList<>();
  private final ModelDigest digest;

  private ModelFolder(Path path) {
    this.path = path;
    List<String> names = names(path);
    if (!names.contains(CONFIG)) {
      throw new CheckpointException(path + ": no config.json; found " + shown(names));
    }
    stamps.add(FileStamp.of(path.resolve(CONFIG)));
    byte[] configBytes = CheckpointFiles.read(path.resolve(CONFIG), MAX_CONFIG_BYTES);
    this.config = ModelConfig.parse(path.resolve(CONFIG), configBytes);
    Path generation = path.resolve(GENERATION_CONFIG);
    this.generationConfig =
        names.contains(GENERATION_CONFIG)
            ? ModelConfig.parse(generation, CheckpointFiles.read(generation, MAX_CONFIG_BYTES))
            : ModelConfig.empty(GENERATION_CONFIG);
    this.digest = new ModelDigest(configBytes, tensors.values());
    try {
      openWeights(names);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /**
   * Opens a model's folder: reads its configuration and maps its weights, which are not yet read.
   *
   * @throws CheckpointException if a file is missing, unreadable or broken; nothing stays open
   */
  public static ModelFolder open(Path folder) {
    return new ModelFolder(folder);
  }

  private void openWeights(List<String> names) {
    if (names.contains(WEIGHTS)) {
      openFile(WEIGHTS);
    } else if (names.contains(INDEX)) {
      openShards(weightMap(names));
    } else {
      throw noWeights(names);
    }
  }

  private void openFile(String name) {
    stamps.add(FileStamp.of(path.resolve(name)));
    SafetensorsFile file = SafetensorsFile.open(path.resolve(name));
    files.add(file);
    for (Tensor tensor : file.tensors().values()) {
      Tensor other = tensors.putIfAbsent(tensor.name(), tensor);
      if (other != null) {
        throw new CheckpointException(
            "tensor %s is both in %s and in %s"
                .formatted(Printable.of(tensor.name()), other.file().getFileName(), name));
      }
    }
  }

  /** Opens every shard and checks that index and shards name the same tensors. */
  private void openShards(Map<String, String> shardOf) {
    new TreeSet<>(shardOf.values()).forEach(this::openFile);
    shardOf.forEach(
        (name, shard) -> {
          Tensor tensor = tensors.get(name);
          if (tensor == null || !tensor.file().endsWith(shard)) {
            throw new CheckpointException(
                "%s: tensor %s: expected in %s, found in %s"
                    .formatted(
                        path.resolve(INDEX),
                        Printable.of(name),
                        shard,
                        tensor == null ? "no shard" : tensor.file().getFileName()));
          }
        });
    for (Tensor tensor : tensors.values()) {
      if (!shardOf.containsKey(tensor.name())) {
        throw new CheckpointException(
            "%s: weight_map does not name tensor %s, found in %s"
                .formatted(
                    path.resolve(INDEX), Printable.of(tensor.name()), tensor.file().getFileName()));
      }
    }
  }

  /**
   * The index's map from tensor to shard. A shard's name becomes a path only if this folder lists
   * it.
   */
  private Map<String, String> weightMap(List<String> names) {
    Path index = path.resolve(INDEX);
    JsonNode map =
        StrictJson.object(index, CheckpointFiles.read(index, MAX_INDEX_BYTES)).path("weight_map");
    if (!map.isObject() || map.isEmpty()) {
      throw new CheckpointException(index + ": expected weight_map, an object of file names");
    }
    Map<String, String> shardOf = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String shard = entry.getValue().asText();
      if (!entry.getValue().isTextual() || !isPlainName(shard)) {
        throw badShard(entry, "expected the name of a .safetensors file in this folder, found");
      }
      if (!names.contains(shard)) {
        throw badShard(entry, "no such file:");
      }
      shardOf.put(entry.getKey(), shard);
    }
    return shardOf;
  }

  private CheckpointException badShard(Map.Entry<String, JsonNode> entry, String problem) {
    return new CheckpointException(
        "%s: tensor %s: %s %s"
            .formatted(
                path.resolve(INDEX),
                Printable.of(entry.getKey()),
                problem,
                Printable.of(entry.getValue().toString())));
  }

  private static boolean isPlainName(String name) {
    return name.endsWith(".safetensors")
        && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
  }

  private CheckpointException noWeights(List<String> names) {
    List<String> pickles = names.stream().filter(ModelFolder::isPickle).toList();
    if (pickles.isEmpty()) {
      return new CheckpointException(
          "%s: expected %s or %s, found %s".formatted(path, WEIGHTS, INDEX, shown(names)));
    }
    return new CheckpointException(
        """
        %s: the weights are Python pickles (%s), which can run code and are not read. \
        Convert them once, where you trust them: python -c "import torch; \
        from safetensors.torch import save_file; \
        w = torch.load('%s', map_location='cpu', weights_only=True); \
        save_file({k: v.clone().contiguous() for k, v in w.items()}, 'model.safetensors')\""""
            .formatted(path, shown(pickles), Printable.of(pickles.getFirst())));
  }

  private static boolean isPickle(String name) {
    return (name.startsWith("pytorch_model") && name.endsWith(".bin"))
        || name.endsWith(".pt")
        || name.endsWith(".pth")
        || name.endsWith(".ckpt");
  }

  private static List<String> names(Path folder) {
    CheckpointFiles.requireFolder(folder);
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(entry -> String.valueOf(entry.getFileName())).sorted().toList();
    } catch (IOException e) {
      throw CheckpointFiles.unreadable(folder, e);
    }
  }

  private static String shown(List<String> names) {
    if (names.isEmpty()) {
      return "nothing";
    }
    String first =
        String.join(", ", names.stream().limit(MAX_NAMES_SHOWN).map(Printable::of).toList());
    int more = names.size() - MAX_NAMES_SHOWN;
    return more > 0 ? first + " and " + more + " more" : first;
  }

  /** The folder as it was given. */
  public Path path() {
    return path;
  }

  /** The folder's own name, also where it was given as {@code "."}. */
  public String name() {
    Path absolute = path.toAbsolutePath().normalize();
    Path name = absolute.getFileName();
    return String.valueOf(name == null ? absolute : name);
  }

  /** What config.json says. */
  public ModelConfig config() {
    return config;
  }

  /** What generation_config.json says; nothing if there is no such file. */
  public ModelConfig generationConfig() {
    return generationConfig;
  }

  /**
   * The ids that end a text: eos_token_id of config.json and of generation_config.json together.
   */
  public Set<Integer> eosIds() {
    Set<Integer> ids = new TreeSet<>(config.tokenIds(EOS));
    ids.addAll(generationConfig.tokenIds(EOS));
    return Collections.unmodifiableSet(ids);
  }

  /** All tensors, in name order. */
  public Collection<Tensor> tensors() {
    return Collections.unmodifiableCollection(tensors.values());
  }

  /** Names of all tensors, in order. */
  public Set<String> tensorNames() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  /**
   * The tensor of that name.
   *
   * @throws CheckpointException if there is none
   */
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new CheckpointException(
          "%s: no tensor %s among its %d tensors"
              .formatted(path, Printable.of(name), tensors.size()));
    }
    return tensor;
  }

  /** Bytes of all tensors together. */
  public long weightBytes() {
    return tensors.values().stream().mapToLong(tensor -> tensor.data().byteSize()).sum();
  }

  /**
   * SHA-256 of what the model computes with: config.json and all tensors, wherever the shards put
   * them. The first call reads all weights that {@link #hash} has not yet read, unless {@link
   * PackedCache} knew the digest.
   */
  public byte[] digest() {
    return digest.get();
  }

  /**
   * Does one tensor's share of {@link #digest} ahead: on several threads at a time, or while the
   * tensor's bytes are in memory anyway.
   *
   * @throws CheckpointException if there is no such tensor
   */
  public void hash(String tensorName) {
    digest.hash(tensor(tensorName));
  }

  ModelDigest modelDigest() {
    return digest;
  }

  /** The files that were opened and what they were like just before, config.json first. */
  List<FileStamp> stamps() {
    return Collections.unmodifiableList(stamps);
  }

  /** A moment before the first file was looked at. */
  Instant opened() {
    return opened;
  }

  /** Unmaps all files; the tensors can no longer be read. A second call does nothing. */
  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
