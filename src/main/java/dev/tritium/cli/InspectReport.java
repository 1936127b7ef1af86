package dev.tritium.cli;

import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.checkpoint.Tensor;
import dev.tritium.hub.ByteCount;
import dev.tritium.model.ModelDescription;
import dev.tritium.scheduler.SchedulerLimits;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What {@code inspect} found, and how it is shown.
 *
 * @param ternaryShare of the parameters that are in ternary matrices
 * @param zeroShare of the ternary weights that are 0
 * @param weightBytesOnDisk of all tensors as they are published
 * @param bytesPerToken packed ternary weights of {@code kernel}: a decode step reads each once
 * @param readBytesPerSecond measured, of main memory
 * @param predictedTokensPerSecond of one sequence, if reading these weights from memory were all
 */
record InspectReport(
    String model,
    String folder,
    String family,
    long parameters,
    long ternaryParameters,
    double ternaryShare,
    double zeroShare,
    int layers,
    int hiddenSize,
    int intermediateSize,
    int vocabularySize,
    List<Shape> tensors,
    long weightBytesOnDisk,
    long stateBytesPerSequence,
    String kernel,
    long bytesPerToken,
    double readBytesPerSecond,
    double predictedTokensPerSecond,
    MemoryNeed memoryNeed) {

  /**
   * Tensors of one name, type and shape in all layers.
   *
   * @param name with {@code *} for the layer's number
   */
  record Shape(String name, String dataType, List<Long> shape, int count) {}

  /**
   * A server's memory with its default settings, in bytes.
   *
   * @param weights packed ones, and the tensors that are used as they are
   * @param states of as many answers as run at once
   * @param prefixCache at most
   * @param total of these; the JVM itself comes on top
   */
  record MemoryNeed(long weights, long states, long prefixCache, long total) {}

  static InspectReport of(
      String name,
      ModelFolder folder,
      ModelDescription model,
      String kernel,
      long zeros,
      long packedBytes,
      long otherBytes,
      double readBytesPerSecond) {
    SchedulerLimits limits = SchedulerLimits.defaults();
    long weights = packedBytes + otherBytes;
    long states = limits.maxRunning() * model.stateBytes();
    return new InspectReport(
        name,
        folder.path().toString(),
        model.modelType(),
        model.parameters(),
        model.ternaryParameters(),
        (double) model.ternaryParameters() / model.parameters(),
        (double) zeros / model.ternaryParameters(),
        model.layers(),
        model.hiddenSize(),
        model.intermediateSize(),
        model.vocabularySize(),
        shapes(folder),
        folder.weightBytes(),
        model.stateBytes(),
        kernel,
        packedBytes,
        readBytesPerSecond,
        readBytesPerSecond / packedBytes,
        new MemoryNeed(
            weights, states, limits.cacheBytes(), weights + states + limits.cacheBytes()));
  }

  private static List<Shape> shapes(ModelFolder folder) {
    Map<Shape, Integer> counts = new LinkedHashMap<>();
    for (Tensor tensor : folder.tensors()) {
      String name = tensor.name().replaceAll("\\.\\d+\\.", ".*.");
      counts.merge(new Shape(name, tensor.dtype().name(), tensor.shape(), 1), 1, Integer::sum);
    }
    List<Shape> shapes = new ArrayList<>();
    counts.forEach((s, count) -> shapes.add(new Shape(s.name, s.dataType, s.shape, count)));
    return shapes;
  }

  /** For people. */
  String toTable() {
    StringBuilder table = new StringBuilder();
    line(table, "model", model);
    line(table, "folder", folder);
    line(table, "family", family);
    line(table, "parameters", count(parameters));
    line(table, "ternary", count(ternaryParameters) + percent(", %.1f %% of them", ternaryShare));
    line(table, "zeros", percent("%.1f %% of the ternary weights", zeroShare));
    line(table, "layers", count(layers));
    line(table, "hidden size", count(hiddenSize));
    line(table, "intermediate size", count(intermediateSize));
    line(table, "vocabulary", count(vocabularySize));
    line(table, "weights on disk", ByteCount.of(weightBytesOnDisk));
    for (Shape shape : tensors) {
      String times = shape.count == 1 ? "" : shape.count + " x ";
      line(table, "", "%s %s%s %s".formatted(shape.name, times, shape.dataType, shape.shape));
    }
    line(table, "state of a sequence", count(stateBytesPerSequence) + " bytes");
    line(table, "bytes per token", "%s, kernel %s".formatted(count(bytesPerToken), kernel));
    line(table, "memory read", ByteCount.of((long) readBytesPerSecond) + "/s, measured");
    line(
        table,
        "decode, 1 sequence",
        String.format(
            Locale.ROOT,
            "at most %.1f tokens/s, unless caches hold the weights",
            predictedTokensPerSecond));
    line(
        table,
        "memory need",
        "%s (weights %s, states %s, prefix cache %s) and the JVM"
            .formatted(
                ByteCount.of(memoryNeed.total),
                ByteCount.of(memoryNeed.weights),
                ByteCount.of(memoryNeed.states),
                ByteCount.of(memoryNeed.prefixCache)));
    return table.toString();
  }

  private static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private static String percent(String format, double share) {
    return String.format(Locale.ROOT, format, 100 * share);
  }

  private static void line(StringBuilder table, String name, String value) {
    table.append(String.format(Locale.ROOT, "%-20s %s%n", name, value));
  }
}
