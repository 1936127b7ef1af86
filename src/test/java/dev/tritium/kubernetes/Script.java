package dev.tritium.kubernetes;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Programs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A command of a container that is a shell script with curl, to be run on this machine. */
record Script(List<String> command) {

  /** The command as rendered; without the programs it needs the test is skipped. */
  static Script of(JsonNode command) {
    for (String program : List.of("sh", "curl", "sha256sum")) {
      assumeTrue(
          Programs.find(program).isPresent(),
          program + " is missing: .ci/install-kubernetes gets it");
    }
    return new Script(command.valueStream().map(JsonNode::asText).toList());
  }

  /** Runs it to its end; what it said where it failed, else nothing. */
  String run(Map<String, String> environment) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(Script::isProxy);
    builder.environment().putAll(environment);
    Process process = builder.redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor() == 0 ? "" : said;
  }

  private static boolean isProxy(String variable) {
    return variable.toLowerCase(Locale.ROOT).endsWith("_proxy");
  }
}
