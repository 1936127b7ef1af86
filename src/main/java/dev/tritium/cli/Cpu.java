package dev.tritium.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The CPU as Linux describes it.
 *
 * @param name empty where unknown
 * @param features the vector extensions, empty where unknown
 */
record Cpu(String name, List<String> features) {
  private static final String VECTORS = "sse4_2|ssse3|fma|avx.*|amx_.*|asimd.*|i8mm|bf16|sve.*";

  static Cpu read() {
    try {
      List<String> lines = Files.readAllLines(Path.of("/proc/cpuinfo"));
      return new Cpu(
          value(lines, "model name"),
          Stream.of((value(lines, "flags") + " " + value(lines, "Features")).split(" "))
              .filter(flag -> flag.matches(VECTORS))
              .sorted()
              .toList());
    } catch (IOException e) { // not Linux
      return new Cpu("", List.of());
    }
  }

  private static String value(List<String> lines, String key) {
    return lines.stream()
        .filter(line -> line.matches(key + "\\s*:.*"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse("");
  }
}
