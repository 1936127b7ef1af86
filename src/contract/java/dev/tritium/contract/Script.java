package dev.tritium.contract;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** Runs what is written in other languages, with the clients that .ci/install-clients installs. */
final class Script {
  static final Path CLIENTS = Path.of("target", "clients").toAbsolutePath();

  private Script() {}

  /** One case of a script: its name, and whether it went well. */
  record Case(String name, Outcome outcome) {
    @Override
    public String toString() {
      return name;
    }
  }

  /** What is to be said of a case: nothing, that it failed, or that it could not run. */
  interface Outcome {
    void check();
  }

  /** A finished process: its status and what it wrote to standard output, and to both outputs. */
  record Run(int status, List<String> lines, String log) {}

  /** Runs a script that writes a line of JSON for each of its cases. */
  static List<Case> cases(ContractServer server, Path installed, String... command)
      throws IOException, InterruptedException {
    if (!Files.exists(installed)) {
      return List.of(new Case("all", () -> missing(installed)));
    }
    Map<String, String> environment =
        Map.of(
            "OPENAI_BASE_URL", server.baseUrl(),
            "OPENAI_API_KEY", ContractServer.KEY,
            "TRITIUM_MODEL", ContractServer.MODEL);
    Run run = run(Path.of("").toAbsolutePath(), environment, command);
    List<Case> cases = new ArrayList<>();
    for (String line : run.lines) {
      JsonNode result = Api.JSON.readTree(line);
      String error = result.get("error").textValue();
      cases.add(
          new Case(result.get("case").textValue(), () -> Assertions.assertNull(error, error)));
    }
    cases.add(
        new Case("the_script_ends_well", () -> Assertions.assertEquals(0, run.status, run.log)));
    return cases;
  }

  static void missing(Path installed) {
    Assumptions.abort(
        installed + " is missing: .ci/install-clients installs it, or says why it cannot");
  }

  /** Runs a command to its end; after ten minutes it is killed. */
  static Run run(Path folder, Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    Path out = Files.createTempFile("contract", ".out");
    Path err = Files.createTempFile("contract", ".err");
    try {
      ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
      builder.environment().putAll(environment);
      Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
      boolean ended = process.waitFor(10, TimeUnit.MINUTES);
      process.destroyForcibly();
      String log = Files.readString(out) + Files.readString(err) + (ended ? "" : "\nkilled");
      return new Run(process.waitFor(), Files.readAllLines(out), log);
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }
}
