package dev.tritium;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.Golden;
import dev.tritium.testing.Models;
import dev.tritium.testing.PackagedServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged application as a process of its own, started as ./tritium starts it. */
class PackagedServerIT {
  private static final String STARTED = "started in"; // what Quarkus says

  @TempDir Path folder;
  private final List<Process> started = new ArrayList<>();
  private int logs;

  /** A process and what it has written so far. */
  private record Run(Process process, Path outFile, Path errFile) {
    String out() {
      return read(outFile);
    }

    String err() {
      return read(errFile);
    }

    private static String read(Path file) {
      try {
        return Files.readString(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    int exitValue() throws InterruptedException {
      assertTrue(process.waitFor(60, TimeUnit.SECONDS), () -> "it does not end: " + this);
      return process.exitValue();
    }

    @Override
    public String toString() {
      return "out: " + out() + "\nerr: " + err();
    }
  }

  @AfterEach
  void endWhatRuns() {
    started.forEach(Process::destroyForcibly);
  }

  @Test
  void servesTheBundledModelBesideOtherCommandsUntilItIsTold() throws Exception {
    int port = freePort();
    Run server = tritium("serve", "--port", String.valueOf(port));
    Api api = ready(server, port);
    JsonNode answer = api.ask("/v1/completions", "prompt", "Once upon a time", "max_tokens", 8);
    assertFalse(answer.at("/choices/0/text").textValue().isEmpty(), answer::toString);
    JsonNode document = api.get("/q/openapi", "Accept", "application/json").json();
    assertEquals(document, new YAMLMapper().readTree(api.get("/q/openapi").body()));
    assertEquals(404, api.get("/q/swagger-ui").status());

    Run generate =
        tritium("generate", "--prompt", "Once upon a time", "--max-tokens", "8", "--seed", "1");
    assertEquals(0, generate.exitValue(), generate::toString);
    assertTrue(generate.out().startsWith("Once upon a time"), generate::toString);
    String last = generate.out().lines().toList().getLast();
    assertTrue(last.matches(".* 8 tokens generated, [0-9.]+ tokens per second"), last);
    Run inspect = tritium("inspect");
    assertEquals(0, inspect.exitValue(), inspect::toString);
    assertTrue(inspect.out().contains("hgrn_bit"), inspect::toString);
    for (Run run : List.of(generate, inspect)) {
      assertFalse(run.toString().contains(STARTED), run::toString);
    }

    Run second = tritium("serve", "--port", String.valueOf(port));
    assertNotEquals(0, second.exitValue(), second::toString);
    assertTrue(second.toString().contains(String.valueOf(port)), second::toString);
    assertTrue(second.toString().contains("already"), second::toString);
    assertNoStackTrace(second);

    assertEquals(200, api.get("/q/health/ready").status(), "the first server goes on");
    server.process.destroy(); // SIGTERM
    server.exitValue();
    try (ServerSocket free = new ServerSocket(port)) {
      assertTrue(free.isBound());
    }
    assertNoStackTrace(server);
  }

  @Test
  void aCheckpointOfAnotherShapeIsScoredAsTheReferenceScoresIt() throws Exception {
    int port = freePort();
    String model = Golden.checkpoint("hgrn-odd").toString();
    Api api = ready(tritium("serve", "--port", String.valueOf(port), "--model", model), port);
    assertEquals("hgrn-odd", api.get("/v1/models").json().at("/data/0/id").textValue());
    int positions = 0;
    int near = 0;
    try (Golden golden = Golden.of("hgrn-odd")) {
      for (int p = 0; golden.has(p + ".ids"); p++) {
        int[] ids = golden.ints(p + ".ids");
        float[] logits = golden.floats(p + ".logits"); // [ids, vocabulary]
        int vocabulary = logits.length / ids.length;
        assertEquals(4100, vocabulary);
        JsonNode answer =
            api.ask("/v1/completions", "prompt", ids, "echo", true, "logprobs", 5, "max_tokens", 0);
        assertEquals(ids.length, answer.at("/usage/prompt_tokens").intValue());
        assertEquals(0, answer.at("/usage/completion_tokens").intValue());
        JsonNode logprobs = answer.at("/choices/0/logprobs");
        assertEquals(ids.length, logprobs.get("token_logprobs").size());
        assertTrue(logprobs.get("token_logprobs").get(0).isNull(), logprobs::toString);
        for (int t = 1; t < ids.length; t++) {
          double[] expected = logSoftmax(logits, (t - 1) * vocabulary, vocabulary);
          double difference =
              Math.abs(logprobs.get("token_logprobs").get(t).doubleValue() - expected[ids[t]]);
          double best = Arrays.stream(expected).max().orElseThrow();
          double likeliest =
              logprobs
                  .get("top_logprobs")
                  .get(t)
                  .valueStream()
                  .mapToDouble(JsonNode::doubleValue)
                  .max()
                  .orElseThrow();
          difference = Math.max(difference, Math.abs(likeliest - best));
          String position = "prompt " + p + " position " + t;
          assertTrue(difference <= 0.1, position + ": " + difference);
          positions++;
          near += difference <= 1e-3 ? 1 : 0;
        }
      }
    }
    assertTrue(positions > 50, "only " + positions + " positions");
    assertTrue(near >= 0.9 * positions, near + " of " + positions + " within 1e-3");

    int[] beyond = {5, 4096, 4097, 4098, 4099, 6}; // the tokenizer knows 4,096
    JsonNode answer =
        api.ask("/v1/completions", "prompt", beyond, "echo", true, "logprobs", 5, "max_tokens", 1);
    assertEquals(6, answer.at("/usage/prompt_tokens").intValue());
    assertEquals(7, answer.at("/choices/0/logprobs/tokens").size());
    Answer outside = api.post("/v1/completions", Api.body("prompt", new int[] {4100}));
    assertEquals("prompt", outside.json().at("/error/param").textValue(), outside::toString);

    Object messages = List.of(Map.of("role", "user", "content", "Hi"));
    Answer chat = api.post("/v1/chat/completions", Api.body("messages", messages));
    if (!Files.readString(Path.of(model, "tokenizer_config.json")).contains("chat_template")) {
      assertEquals(400, chat.status(), chat::toString);
      String message = chat.json().at("/error/message").textValue();
      assertTrue(message.contains("tritium.chat-template"), message);
      assertEquals("messages", chat.json().at("/error/param").textValue());
    }
  }

  private static double[] logSoftmax(float[] logits, int at, int n) {
    double max = IntStream.range(at, at + n).mapToDouble(i -> logits[i]).max().orElseThrow();
    double sum = IntStream.range(at, at + n).mapToDouble(i -> Math.exp(logits[i] - max)).sum();
    return IntStream.range(at, at + n).mapToDouble(i -> logits[i] - max - Math.log(sum)).toArray();
  }

  @Test
  void aModelThatIsNotThereIsSaidInOneLine() throws Exception {
    for (String command : List.of("serve", "generate")) {
      Run run = tritium(command, "--model", "no/such/model");
      assertNotEquals(0, run.exitValue(), run::toString);
      List<String> lines = run.err().lines().filter(line -> !line.startsWith("WARNING:")).toList();
      assertEquals(1, lines.size(), run::toString);
      assertTrue(lines.getFirst().contains("no/such/model"), run::toString);
      assertEquals("", run.out());
    }
  }

  @Test
  void aBrokenCheckpointEndsTheServerWithOneClearMessage() throws Exception {
    Path copy = Files.createDirectory(folder.resolve("broken"));
    try (Stream<Path> files = Files.list(Models.BUNDLED)) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    Path weights = copy.resolve("model.safetensors");
    try (FileChannel channel = FileChannel.open(weights, StandardOpenOption.WRITE)) {
      channel.truncate(Files.size(weights) / 2);
    }
    Run run = tritium("serve", "--port", String.valueOf(freePort()), "--model", copy.toString());
    assertNotEquals(0, run.exitValue(), run::toString);
    List<String> lines =
        run.toString().lines().filter(l -> l.contains("model.safetensors")).toList();
    assertEquals(1, lines.size(), run::toString);
    assertNoStackTrace(run);
  }

  @Test
  void aServerWithoutAModelThatLoadsEndsWithOneLineForEach() throws Exception {
    String port = String.valueOf(freePort());
    Run run = tritium("serve", "--port", port, "--model", "a=no/such/a", "--model", "b,c=no/b,c");
    assertEquals(1, run.exitValue(), run::toString);
    List<String> lines = run.toString().lines().filter(l -> l.contains("cannot serve")).toList();
    assertEquals(2, lines.size(), run::toString);
    assertTrue(lines.getFirst().contains("serve a: no/such/a is not a folder"), lines::toString);
    assertTrue(
        lines.getLast().contains("cannot serve b,c: no/b,c is not a folder"), lines::toString);
    assertNoStackTrace(run);
  }

  @Test
  void withoutTheVectorModuleTheSameTextComesWithOneWarning() throws Exception {
    String[] args = {"generate", "--prompt", "Lily and", "--seed", "3", "--max-tokens", "12"};
    Run with = tritium(args);
    Run without = java(List.of("--enable-native-access=ALL-UNNAMED"), args);
    assertEquals(0, without.exitValue(), without::toString);
    assertEquals(0, with.exitValue(), with::toString);
    assertEquals(with.out().lines().findFirst(), without.out().lines().findFirst());
    List<String> warnings =
        without.err().lines().filter(line -> line.startsWith("tritium:")).toList();
    assertEquals(1, warnings.size(), without::toString);
    assertTrue(
        warnings.getFirst().contains("--add-modules jdk.incubator.vector"), without::toString);
  }

  private Run tritium(String... args) throws IOException {
    return java(PackagedServer.jvmOptions(), args);
  }

  private Run java(List<String> jvmArgs, String... args) throws IOException {
    Path out = folder.resolve("out" + ++logs);
    Path err = folder.resolve("err" + logs);
    Process process =
        new ProcessBuilder(PackagedServer.command(jvmArgs, List.of(args)))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    started.add(process);
    return new Run(process, out, err);
  }

  private static Api ready(Run server, int port) {
    Api.await(
        "the server is ready",
        Duration.ofSeconds(60),
        () -> {
          assertTrue(server.process.isAlive(), server::toString);
          return server.toString().contains("serving ");
        });
    return Api.ready(URI.create("http://127.0.0.1:" + port));
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static void assertNoStackTrace(Run run) {
    assertFalse(run.toString().contains("\tat "), run::toString);
  }
}
