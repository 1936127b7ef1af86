package dev.tritium.hub;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A process that pulls a model, which a test can kill anywhere. */
final class PullingChild {
  private PullingChild() {}

  /** Starts a process with the variables of a world; both outputs are one. */
  static Process start(Map<String, String> variables, String... prefix) throws IOException {
    String classPath =
        Stream.of(
                Pull.class,
                PullingChild.class,
                ObjectMapper.class,
                JsonParser.class,
                JsonInclude.class)
            .map(PullingChild::location)
            .collect(Collectors.joining(File.pathSeparator));
    List<String> command = new ArrayList<>(List.of(prefix));
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:-UsePerfData",
            "-XX:TieredStopAtLevel=1", // it never runs for long
            "-XX:+UseSerialGC",
            "-cp",
            classPath,
            PullingChild.class.getName()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeAll(Set.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"));
    builder.environment().putAll(variables);
    return builder.start();
  }

  /** What it has printed until its end. */
  static String output(Process child) throws IOException {
    return new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private static String location(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** Runs in the child. */
  public static void main(String[] args) {
    try {
      Pull.run(HubSettings.read(), HubWorld.ID, config -> {}, PullProgress.NONE);
      System.out.println("pulled");
    } catch (HubException e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }
}
