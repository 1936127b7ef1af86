package dev.tritium.testing;

import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/** Which ternary kernels this machine's CPU deserves, by its flags. */
public final class ExpectedKernels {
  private ExpectedKernels() {}

  /** The kernels that may be chosen; skips the test where the CPU promises none. */
  public static Set<String> names() throws IOException {
    Path cpuInfo = Path.of("/proc/cpuinfo");
    assumeTrue(Files.isReadable(cpuInfo), "no /proc/cpuinfo, so the CPU's features are unknown");
    Set<String> flags =
        Files.readAllLines(cpuInfo).stream()
            .filter(line -> line.startsWith("flags") || line.startsWith("Features")) // x86, ARM
            .flatMap(line -> Arrays.stream(line.split("\\s+", -1)))
            .collect(Collectors.toSet());
    if (flags.containsAll(Set.of("avx512bw", "avx512vbmi"))) {
      return Set.of("t9");
    }
    if (flags.contains("avx512bw")) { // the JVM keeps 512-bit vectors off on the first of these
      return Set.of("t9", "t2");
    }
    if (flags.contains("avx2") || flags.contains("asimd")) {
      return Set.of("t2");
    }
    return abort("neither AVX-512 VBMI nor AVX2 nor NEON, so no vector kernel is promised here");
  }
}
