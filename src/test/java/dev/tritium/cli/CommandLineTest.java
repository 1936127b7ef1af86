package dev.tritium.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tritium.testing.Settings;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The command line without its process: exit status, texts and settings. */
class CommandLineTest {
  private static final int USAGE = CommandLine.ExitCode.USAGE;
  private static final int FAILURE = CommandLine.ExitCode.SOFTWARE;

  private record Result(int status, String out, String err) {}

  @BeforeAll
  static void forgetOthersSettings() {
    Settings.forget();
  }

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
    for (String command : List.of("serve", "generate", "bench", "inspect", "./tritium test")) {
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
    Result bench = run("bench", "--help");
    for (String option : List.of("--shape", "--batches", "--prompt-tokens", "--rounds", "--json")) {
      assertTrue(bench.out.contains(option), bench::toString);
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
    assertRefused(USAGE, "--batches", "bench", "--batches", "1,many");
    assertRefused(USAGE, "--prompt-tokens", "bench", "--prompt-tokens", "1.5");
  }

  @Test
  void anOptionOutOfRangeIsNamed() {
    assertRefused(FAILURE, "--max-tokens", "generate", "--max-tokens", "0");
    assertRefused(FAILURE, "--temperature", "generate", "--temperature", "2.5");
    assertRefused(FAILURE, "--temperature", "generate", "--temperature", "-1");
    assertRefused(FAILURE, "--temperature", "generate", "--temperature", "NaN");
    assertRefused(FAILURE, "--threads", "generate", "--threads", "0");
    assertRefused(FAILURE, "kernel", "generate", "--kernel", "abacus");
    assertRefused(FAILURE, "370m, 1.3b, 2.7b", "bench", "--shape", "13b");
    assertRefused(FAILURE, "--batches", "bench", "--batches", "1,0");
    assertRefused(FAILURE, "--batches", "bench", "--batches", "1025");
    assertRefused(FAILURE, "--prompt-tokens", "bench", "--prompt-tokens", "0");
    assertRefused(FAILURE, "--rounds", "bench", "--rounds", "0");
    assertRefused(FAILURE, "--threads", "bench", "--threads", "0");
    assertRefused(FAILURE, "exclude each other", "bench", "--shape", "370m", "--model", "x");
  }

  @Test
  void aFolderThatIsNotThereIsNamedInOneLine() {
    for (String[] args :
        new String[][] {
          {"generate", "--model", "no/such/model"},
          {"serve", "--model", "no/such/model"},
          {"bench", "--model", "no/such/model"},
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
  void severalModelsAreForServeAlone() {
    for (String command : List.of("generate", "bench")) {
      assertRefused(FAILURE, "one model", command, "--model", "a=x", "--model", "y");
      Result set = runWith(Map.of("tritium.model", "a=x,y"), command);
      assertTrue(set.err.contains("has 2: a=x, y"), set::toString);
    }
    Result inspect = runWith(Map.of("tritium.model", "a=x,y"), "inspect");
    assertTrue(inspect.err.contains("has 2: a=x, y"), inspect::toString);
  }

  @Test
  void aModelsNameIsNoPartOfItsFolder() {
    assertRefused(
        FAILURE, "tritium: no/such/model is", "generate", "--model", "mine=no/such/model");
    assertRefused(FAILURE, "tritium: no/such/model is", "serve", "--model", "mine=no/such/model");
    assertRefused(FAILURE, "tritium: no,model is", "serve", "--model", "no,model");
    assertRefused(FAILURE, "name must be", "serve", "--model", "=models/a", "--model", "b");
    Result set = runWith(Map.of("tritium.model", "mine=no\\,model"), "serve");
    assertTrue(set.err.startsWith("tritium: no,model is not a folder"), set::toString);
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

  @Test
  void benchMeasuresTheWholeModel() throws JsonProcessingException {
    Result bench =
        run("bench", "--rounds", "2", "--batches", "3,1", "--prompt-tokens", "130", "--json");
    assertEquals(0, bench.status, bench::toString);
    JsonNode report = new ObjectMapper().readTree(bench.out);
    for (String rate :
        List.of(
            "/decode/tokens_per_second",
            "/decode/weight_bytes_per_second",
            "/decode/read_rate_share",
            "/prefill/tokens_per_second",
            "/batches/0/tokens_per_second",
            "/batches/0/speedup",
            "/memory/read_bytes_per_second")) {
      double value = report.at(rate).doubleValue();
      assertTrue(value > 0 && Double.isFinite(value), () -> rate + " in " + bench);
    }
    assertEquals(2, report.at("/batches").size(), bench::toString);
    assertEquals(3, report.at("/batches/0/rows").intValue(), bench::toString);
    JsonNode decode = report.at("/decode");
    double tokensPerSecond = decode.at("/tokens_per_second").doubleValue();
    assertEquals(tokensPerSecond, report.at("/batches/1/tokens_per_second").doubleValue());
    assertTrue(tokensPerSecond <= decode.at("/best_tokens_per_second").doubleValue(), bench.out);
    long weightBytes = report.at("/memory/weight_bytes").longValue();
    double bitsPerWeight = weightBytes * 8 / 15_728_640.0;
    assertTrue(bitsPerWeight > 1.58 && bitsPerWeight < 3, () -> bitsPerWeight + " bits per weight");
    assertEquals(
        tokensPerSecond * weightBytes, decode.at("/weight_bytes_per_second").doubleValue(), 1);
    double matrixShare = decode.at("/matrix_share").doubleValue();
    double samplingShare = decode.at("/sampling_share").doubleValue();
    assertTrue(matrixShare > 0 && samplingShare > 0, bench.out);
    assertEquals(1 - matrixShare - samplingShare, decode.at("/other_share").doubleValue(), 1e-9);
    assertEquals(130, report.at("/prefill/prompt_tokens").intValue());
    assertEquals(12_288, report.at("/memory/state_bytes_per_sequence").longValue());
    assertFalse(report.at("/kernel").textValue().isEmpty(), bench::toString);
    assertEquals(Runtime.getRuntime().availableProcessors(), report.at("/threads").intValue());
    assertTrue(report.at("/cpu/features").isArray(), bench::toString);
    double joules = report.at("/energy/joules_per_token").doubleValue();
    assertTrue(joules > 0 && joules < 10, bench::toString);
    assertFalse(report.at("/energy/source").textValue().isEmpty(), bench::toString);
    assertTrue(
        List.of("measured", "estimated").contains(report.at("/energy/quality").textValue()),
        bench::toString);
  }

  @Test
  void benchCountsEnergyAsItIsSet() {
    assertRefusedWith("tritium.energy.source", "sun", "must be one of auto, off, rapl, hwmon");
    assertRefusedWith("tritium.energy.idle-watts", "low", "must be a number of watts, found low");
    assertRefusedWith("tritium.energy.max-watts", "-1", "must be from 0 to");
  }

  private static void assertRefusedWith(String property, String value, String reason) {
    Result result = runWith(Map.of(property, value), "bench", "--rounds", "1");
    assertEquals(FAILURE, result.status, result::toString);
    assertTrue(result.err.contains(property + " " + reason), result::toString);
  }

  @Test
  void benchPrintsATableOfAShapeThatIsTypedThoughAModelIsSet() {
    Result bench =
        runWith(
            Map.of(
                "tritium.model", "no/such/model",
                "tritium.rounds", "1",
                "tritium.energy.source", "estimate"),
            "bench",
            "--shape",
            "370M",
            "--batches",
            "2",
            "--prompt-tokens",
            "3");
    assertEquals(0, bench.status, bench::toString);
    for (String part :
        List.of(
            "370m with random weights, 374,108,160 parameters",
            "98,304 bytes of state",
            "memory read",
            "decode, 1 sequence ",
            "decode, 2 sequences",
            "prefill, 3 tokens",
            " mJ a token, estimated (estimate).")) {
      assertTrue(bench.out.contains(part), () -> part + " in " + bench);
    }
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
