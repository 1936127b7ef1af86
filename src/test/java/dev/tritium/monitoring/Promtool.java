package dev.tritium.monitoring;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A run of promtool: its status, and what it wrote. */
record Promtool(int status, String said) {

  /** Runs it to its end; without the program the test is skipped, and says what installs it. */
  static Promtool run(@Nullable Path input, String... arguments)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(Prometheus.program("promtool").toString());
    builder.command().addAll(List.of(arguments));
    if (input != null) {
      builder.redirectInput(input.toFile());
    }
    Process process = builder.redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Promtool(process.waitFor(), said);
  }
}
