package dev.tritium.checkpoint;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tritium.checkpoint.PackedFile.RowScale;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A process that packs a model; it stops before each step until it is told to go on, so that a test
 * can stop or kill it anywhere.
 */
final class PackingChild implements AutoCloseable {
  private final Process process;
  private final BufferedReader output;

  private PackingChild(Process process) {
    this.process = process;
    this.output = process.inputReader();
  }

  /** Starts a process that packs the model once. */
  static PackingChild start(Path cache, Path model) throws IOException {
    return start("", cache, model, 1);
  }

  /**
   * Starts a process that packs the model as versions 1 to {@code versions} of a format.
   *
   * @param shellPrefix commands before the JVM's, such as {@code ulimit}; perhaps empty
   */
  static PackingChild start(String shellPrefix, Path cache, Path model, int versions)
      throws IOException {
    String classPath =
        Stream.of(
                PackedCache.class,
                PackingChild.class,
                ObjectMapper.class,
                JsonParser.class,
                JsonInclude.class)
            .map(PackingChild::location)
            .collect(Collectors.joining(File.pathSeparator));
    ProcessBuilder builder =
        new ProcessBuilder(
            "sh",
            "-c",
            shellPrefix + "exec \"$0\" \"$@\"",
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:-UsePerfData",
            "-XX:TieredStopAtLevel=1", // it never runs for long
            "-XX:+UseSerialGC",
            "-Djava.util.logging.SimpleFormatter.format=%5$s%n",
            "-cp",
            classPath,
            PackingChild.class.getName(),
            cache.toString(),
            model.toString(),
            String.valueOf(versions));
    builder.environment().keySet().removeAll(Set.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"));
    return new PackingChild(builder.redirectErrorStream(true).start());
  }

  private static String location(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** The next line that the child prints, or null at its end. */
  String line() throws IOException {
    return output.readLine();
  }

  /** Lets the child run on to its next step. */
  void goOn() throws IOException {
    process.outputWriter().append('\n').flush();
  }

  /** Lets the child run to its end; returns the last line. */
  String finish() throws IOException {
    process.outputWriter().close();
    return output.lines().reduce("", (_, last) -> last);
  }

  /** Ends it as {@code kill -9} does. */
  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }

  /** Adds the matrices' bytes as they are, each after its name was given to {@code beforeEach}. */
  static void pack(ModelFolder model, PackedFileWriter writer, Consumer<String> beforeEach) {
    for (Tensor tensor : model.tensors()) {
      if (tensor.shape().size() == 2) {
        beforeEach.accept(tensor.name());
        writer.add(tensor.name(), 1, 1, List.of(new RowScale(1, 1)), tensor.data());
      }
    }
  }

  /** Runs in the child. */
  public static void main(String[] args) {
    PackedCache cache = new PackedCache(Path.of(args[0]), PackedCacheTest::serially);
    try (ModelFolder model = ModelFolder.open(Path.of(args[1]))) {
      for (int version = 1; version <= Integer.parseInt(args[2]); version++) {
        boolean[] packed = new boolean[1];
        Consumer<PackedFileWriter> packer =
            writer -> {
              packed[0] = true;
              step("begin");
              pack(model, writer, PackingChild::step);
              step("end");
            };
        cache.findOrPack(model, "T9", version, packer).close();
        print(packed[0] ? "packed" : "found");
      }
    } catch (PackedCacheException e) {
      print(String.valueOf(e.getMessage()));
    }
  }

  private static void step(String name) {
    print(name);
    try {
      System.in.read();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @SuppressWarnings("SystemOut") // its output is what the test reads
  private static void print(String line) {
    System.out.println(line);
  }
}
