package dev.tritium.testing;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes model folders and safetensors files for tests. */
public final class Checkpoints {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Checkpoints() {}

  /**
   * Writes config.json and model.safetensors.
   *
   * @param config a map or a JSON tree
   * @return the folder
   */
  public static Path write(Path folder, Object config, Map<String, FixtureTensor> tensors)
      throws IOException {
    writeJson(folder.resolve("config.json"), config);
    writeFile(folder.resolve("model.safetensors"), tensors);
    return folder;
  }

  /**
   * Writes config.json, {@code count} shards with the tensors dealt out in turn, and their index.
   *
   * @param config a map or a JSON tree
   * @return the folder
   */
  public static Path writeShards(
      Path folder, Object config, Map<String, FixtureTensor> tensors, int count)
      throws IOException {
    List<Map<String, FixtureTensor>> shards = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      shards.add(new LinkedHashMap<>());
    }
    Map<String, String> weightMap = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          int shard = weightMap.size() % count;
          shards.get(shard).put(name, tensor);
          weightMap.put(name, shardName(shard, count));
        });
    for (int i = 0; i < count; i++) {
      writeFile(folder.resolve(shardName(i, count)), shards.get(i));
    }
    writeJson(folder.resolve("config.json"), config);
    writeJson(
        folder.resolve("model.safetensors.index.json"),
        Map.of("metadata", Map.of("total_size", size(tensors)), "weight_map", weightMap));
    return folder;
  }

  /** Writes one safetensors file with the tensors in the map's order. */
  public static void writeFile(Path file, Map<String, FixtureTensor> tensors) throws IOException {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("__metadata__", Map.of("format", "pt"));
    long at = 0;
    for (Map.Entry<String, FixtureTensor> entry : tensors.entrySet()) {
      FixtureTensor tensor = entry.getValue();
      long end = at + tensor.data().byteSize();
      header.put(
          entry.getKey(),
          Map.of(
              "dtype",
              tensor.dtype().name(),
              "shape",
              tensor.shape(),
              "data_offsets",
              List.of(at, end)));
      at = end;
    }
    String text = JSON.writeValueAsString(header);
    int padding = -text.getBytes(UTF_8).length & 7; // the writers of the format align the data
    try (OutputStream out = Files.newOutputStream(file);
        WritableByteChannel channel = Channels.newChannel(out)) {
      out.write(header(text + " ".repeat(padding)));
      for (FixtureTensor tensor : tensors.values()) {
        channel.write(tensor.data().asByteBuffer());
      }
    }
  }

  /** The first bytes of a safetensors file: the length and the text of any header. */
  public static byte[] header(String json) {
    byte[] text = json.getBytes(UTF_8);
    return ByteBuffer.allocate(Long.BYTES + text.length)
        .order(LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .array();
  }

  public static void writeJson(Path file, Object json) throws IOException {
    Files.write(file, JSON.writeValueAsBytes(json));
  }

  private static String shardName(int shard, int count) {
    return "model-%05d-of-%05d.safetensors".formatted(shard + 1, count);
  }

  private static long size(Map<String, FixtureTensor> tensors) {
    return tensors.values().stream().mapToLong(tensor -> tensor.data().byteSize()).sum();
  }
}
