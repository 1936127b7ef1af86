package dev.tritium.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The command line without its process: exit status, texts and settings. */
class CommandLineTest {
  private static final int USAGE = CommandLine.ExitCode.USAGE;
  private static final int FAILURE = CommandLine.ExitCode.SOFTWARE;

  private record Result(int status, String out, String err) {}

  private static Result run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(args);
    return new Result(status, out.toString(), err.toString());
  }

  /** Runs with system properties, which are put back afterwards. */
  private static Result runWith(Map<String, String> properties, String... args) {
    properties.forEach(System::setProperty);
    try {
      return run(args);
    } finally {
      properties.keySet().forEach(System::clearProperty);
    }
  }

  @Test
  void helpListsTheCommandsAndTheirOptions() {
    Result help = run("--help");
    assertEquals(0, help.status, help::toString);
    for (String command : List.of("serve", "generate", "inspect", "./tritium test")) {
      assertTrue(help.out.contains(command), help::toString);
    }
    Result serve = run("serve", "--help");
    assertEquals(0, serve.status, serve::toString);
    for (String option : List.of("--model", "--host", "--port", "--threads", "--kernel")) {
      assertTrue(serve.out.contains(option), serve::toString);
    }
    Result generate = run("generate", "--help");
    for (String option : List.of("--prompt", "--max-tokens", "--temperature", "--seed")) {
      assertTrue(generate.out.contains(option), generate::toString);
    }
  }

  @Test
  void versionSaysTritiumsAndJavas() {
    Result version = run("--version");
    assertEquals(0, version.status, version::toString);
    assertTrue(version.out.matches("(?s)tritium \\d\\S*\\R+Java \\d.*"), version::toString);
    assertFalse(version.out.contains("$"), "Maven did not fill in the version: " + version);
  }

  @Test
  void noCommandAndAnUnknownOneShowTheUsage() {
    Result none = run();
    assertEquals(USAGE, none.status, none::toString);
    assertTrue(none.err.startsWith("a command is needed"), none::toString);
    Result unknown = run("dance");
    assertEquals(USAGE, unknown.status, unknown::toString);
    assertTrue(unknown.err.contains("dance"), unknown::toString);
  }

  @Test
  void anOptionThatIsUnknownOrOfTheWrongTypeIsNamed() {
    assertRefused(USAGE, "--no-such", "generate", "--no-such", "1");
    assertRefused(USAGE, "--max-tokens", "generate", "--max-tokens", "many");
    assertRefused(USAGE, "--max-tokens", "generate", "--max-tokens", "2147483648");
    assertRefused(USAGE, "--temperature", "generate", "--temperature", "hot");
    assertRefused(USAGE, "--seed", "generate", "--seed", "1.5");
    assertRefused(USAGE, "--port", "serve", "--port", "http");
    assertRefused(USAGE, "--threads", "serve", "--threads", "x");
  }

  @Test
  void anOptionOutOfRangeIsNamed() {
    assertRefused(FAILURE, "--max-tokens", "generate", "--max-tokens", "0");
    assertRefused(FAILURE, "--temperature", "generate", "--temperature", "2.5");
    assertRefused(FAILURE, "--temperature", "generate", "--temperature", "-1");
    assertRefused(FAILURE, "--temperature", "generate", "--temperature", "NaN");
    assertRefused(FAILURE, "--threads", "generate", "--threads", "0");
    assertRefused(FAILURE, "kernel", "generate", "--kernel", "abacus");
  }

  @Test
  void aFolderThatIsNotThereIsNamedInOneLine() {
    for (String[] args :
        new String[][] {
          {"generate", "--model", "no/such/model"},
          {"serve", "--model", "no/such/model"},
          {"inspect", "no/such/model"}
        }) {
      Result result = run(args);
      assertEquals(FAILURE, result.status, result::toString);
      assertEquals(1, result.err.lines().count(), result::toString);
      assertTrue(result.err.startsWith("tritium: no/such/model is not a folder"), result.err);
      assertEquals("", result.out);
    }
  }

  @Test
  void everyOptionIsAlsoAProperty() {
    Result bad = runWith(Map.of("tritium.max-tokens", "0"), "generate");
    assertTrue(bad.err.contains("--max-tokens must be at least 1, found 0"), bad::toString);
    Result overridden =
        runWith(
            Map.of("tritium.max-tokens", "0", "tritium.kernel", "scalar"),
            "generate",
            "--prompt",
            "A",
            "--max-tokens",
            "2",
            "--temperature",
            "0");
    assertEquals(0, overridden.status, overridden::toString);
    assertTrue(overridden.out.contains(" 2 tokens generated"), overridden::toString);
    Result model = runWith(Map.of("tritium.model", "no/such/model"), "generate");
    assertTrue(model.err.contains("no/such/model"), model::toString);
  }

  @Test
  void generateContinuesThePromptAndCountsTokens() {
    String[] args = {
      "generate", "--prompt", "@Once upon a time", "--max-tokens", "8", "--seed", "1"
    };
    Result first = run(args);
    assertEquals(0, first.status, first::toString);
    assertTrue(first.out.startsWith("@Once upon a time"), first::toString);
    String last = first.out.lines().toList().getLast();
    assertTrue(
        last.matches("\\d+ prompt tokens, \\d+ tokens generated, [0-9.]+ tokens per second"), last);
    assertEquals(text(first.out), text(run(args).out), "the same seed");
    assertEquals("", first.err);
  }

  private static String text(String out) {
    return out.substring(0, out.stripTrailing().lastIndexOf('\n'));
  }

  @Test
  void inspectSaysWhatAModelHolds() {
    Result bundled = run("inspect");
    assertEquals(0, bundled.status, bundled::toString);
    for (String part :
        List.of("tritium-stories-17m", "hgrn_bit", "vocabulary           4,096", "layers")) {
      assertTrue(bundled.out.contains(part), () -> part + " in " + bundled);
    }
    Result odd = run("inspect", "src/test/resources/golden/hgrn-odd");
    assertTrue(odd.out.contains("4,100") && odd.out.contains("F32"), odd::toString);
  }

  private static void assertRefused(int status, String named, String... args) {
    Result result = run(args);
    String inputs = String.join(" ", args) + " -> " + result;
    assertEquals(status, result.status, inputs);
    assertTrue(result.err.contains(named), inputs);
    assertFalse(result.err.contains("\tat "), inputs);
  }
}
