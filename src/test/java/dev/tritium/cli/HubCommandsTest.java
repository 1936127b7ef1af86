package dev.tritium.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tritium.testing.FakeHub;
import dev.tritium.testing.Settings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.ExitCode;

/** The commands that know the hub, with one of our own. */
class HubCommandsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path home;
  private FakeHub hub;
  private Map<String, String> properties;

  private record Result(int status, String out, String err) {}

  @BeforeEach
  void open() throws IOException {
    Settings.forget();
    hub = new FakeHub(Path.of("src/test/resources/golden/hgrn-tiny"));
    properties = Map.of("HF_ENDPOINT", hub.endpoint(), "HF_HOME", home.toString());
    properties.forEach(System::setProperty);
  }

  @AfterEach
  void close() {
    properties.keySet().forEach(System::clearProperty);
    hub.close();
  }

  private static Result run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(args);
    return new Result(status, out.toString(), err.toString());
  }

  private static Result good(String... args) {
    Result result = run(args);
    assertEquals(ExitCode.OK, result.status, result::toString);
    return result;
  }

  private static String failure(String... args) {
    Result result = run(args);
    assertEquals(ExitCode.SOFTWARE, result.status, result::toString);
    assertEquals("", result.out);
    assertEquals(1, result.err.lines().count(), result.err);
    return result.err;
  }

  private Path snapshot() {
    return home.resolve("hub/models--acme--tiny-lm/snapshots").resolve(FakeHub.COMMIT);
  }

  @Test
  void pullListVerifyAndRemoveAgree() throws IOException {
    assertTrue(good("list").out.startsWith("no models in "));
    Result pulled = good("pull", FakeHub.ID);
    assertEquals(snapshot() + System.lineSeparator(), pulled.out);
    assertTrue(
        pulled.err.startsWith("tritium: pulling acme/tiny-lm, commit " + FakeHub.COMMIT),
        pulled.err);
    String listed = good("list").out;
    assertTrue(
        listed.matches("(?s)model .*\\Racme/tiny-lm +main +0123456789ab +2\\.4 MB\\s+"), listed);
    assertTrue(good("verify").out.contains("model.safetensors"));

    Path weights = snapshot().resolve("model.safetensors").toRealPath();
    byte[] content = Files.readAllBytes(weights);
    content[1_000_000] ^= 1;
    Files.write(weights, content);
    Result damaged = run("verify", FakeHub.ID);
    assertEquals(ExitCode.SOFTWARE, damaged.status);
    assertTrue(damaged.out.contains("damaged"), damaged.out);
    assertTrue(damaged.out.contains("rm '" + weights + "' and ./tritium pull"), damaged.out);
    Files.delete(weights);
    assertEquals(ExitCode.SOFTWARE, run("verify").status);
    good("pull", FakeHub.ID);
    good("verify");

    Result removed = good("rm", FakeHub.ID);
    assertEquals("removed acme/tiny-lm, 2.4 MB are free" + System.lineSeparator(), removed.out);
    assertFalse(Files.exists(home.resolve("hub/models--acme--tiny-lm")));
    assertTrue(failure("rm", FakeHub.ID).contains("acme/tiny-lm is not in "));
  }

  @Test
  void jsonIsForScripts() throws IOException {
    JsonNode pulled = JSON.readTree(good("pull", FakeHub.ID + "@v1.0", "--json").out);
    assertEquals("acme/tiny-lm", pulled.at("/model").textValue());
    assertEquals("v1.0", pulled.at("/revision").textValue());
    assertEquals(FakeHub.COMMIT, pulled.at("/commit").textValue());
    assertEquals(snapshot().toString(), pulled.at("/folder").textValue());
    JsonNode listed = JSON.readTree(good("list", "--json").out).get(0);
    assertEquals("v1.0", listed.at("/revisions/0").textValue());
    assertTrue(listed.at("/whole").booleanValue(), listed::toString);
    assertTrue(listed.at("/bytes").longValue() > 2_000_000, listed::toString);
    JsonNode verified = JSON.readTree(good("verify", "--json").out).get(0);
    assertEquals("ok", verified.at("/files/0/state").textValue());
    JsonNode removed = JSON.readTree(good("rm", FakeHub.ID + "@v1.0", "--json").out).get(0);
    assertTrue(removed.at("/freed_bytes").longValue() > 2_000_000, removed::toString);
  }

  @Test
  void generatePullsWhatIsAbsentAndBenchAndInspectSayHow() {
    String absent = failure("inspect", FakeHub.ID);
    assertTrue(absent.contains("acme/tiny-lm is neither a folder nor in the cache"), absent);
    assertTrue(absent.contains("./tritium pull acme/tiny-lm"), absent);
    failure("bench", "--model", FakeHub.ID);
    String[] generate = {
      "generate", "--model", FakeHub.ID, "--max-tokens", "2", "--prompt", "A", "--kernel", "scalar"
    };
    Result first = good(generate);
    assertTrue(first.out.contains(" 2 tokens generated"), first.out);
    assertTrue(first.err.contains("tritium: pulling"), first.err);
    int requests = hub.requests.size();
    String said = "tritium: acme/tiny-lm is commit %s in the hub's cache".formatted(FakeHub.COMMIT);
    assertEquals(said, good(generate).err.lines().toList().getLast());
    assertTrue(good("inspect", FakeHub.ID, "--json").out.contains("\"acme/tiny-lm\""));
    assertEquals(requests, hub.requests.size(), "what is in the cache is not asked for");
  }

  @Test
  void aModelThatIsNoneIsOneLine() {
    assertTrue(failure("pull", "tiny").contains("'tiny' is not the id of a model on the hub"));
    assertTrue(failure("pull", "acme/no").contains("acme/no is not on " + hub.endpoint()));
    assertTrue(failure("pull", FakeHub.ID + "@v9").contains("has no revision 'v9'"));
    assertTrue(failure("serve", "--model", "acme/no").contains("acme/no is not on"));
    hub.files.put("config.json", "{\"model_type\": \"llama\"}".getBytes(UTF_8));
    String said = failure("pull", FakeHub.ID);
    assertTrue(
        said.contains(
            "acme/tiny-lm cannot be run here: config.json: model_type: expected hgrn_bit"),
        said);
  }

  @Test
  void inspectCountsWhatAModelHolds() throws IOException {
    JsonNode report = JSON.readTree(good("inspect", "models/tritium-stories-17m", "--json").out);
    assertEquals("hgrn_bit", report.at("/family").textValue());
    double zeros = report.at("/zero_share").doubleValue();
    assertTrue(zeros > 0.1 && zeros < 0.6, report::toString);
    double bits = report.at("/bytes_per_token").doubleValue() * 8 / 15_728_640;
    assertTrue(bits > 1.58 && bits < 3, report::toString);
    assertEquals(12_288, report.at("/state_bytes_per_sequence").longValue());
    assertEquals(
        report.at("/read_bytes_per_second").doubleValue()
            / report.at("/bytes_per_token").longValue(),
        report.at("/predicted_tokens_per_second").doubleValue(),
        1e-6);
    JsonNode need = report.at("/memory_need");
    assertEquals(
        need.at("/total").longValue(),
        need.at("/weights").longValue()
            + need.at("/states").longValue()
            + need.at("/prefix_cache").longValue());
    long parameters = 0;
    for (JsonNode tensor : report.at("/tensors")) {
      long elements = tensor.at("/count").longValue();
      for (JsonNode size : tensor.at("/shape")) {
        elements *= size.longValue();
      }
      parameters += elements;
    }
    assertEquals(report.at("/parameters").longValue(), parameters);
  }
}
