package dev.tritium.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.model.LanguageModel;
import dev.tritium.testing.Api;
import dev.tritium.testing.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The evaluation harness lm-eval, whose tokenizer is its own, scores paragraphs of tales as the
 * server and the engine score them.
 */
class LmEvalIT {
  @RegisterExtension static final ContractServer SERVER = new ContractServer();

  private static final Path TASKS = Path.of("src/contract/lm-eval").toAbsolutePath();
  private static final String[] NAMES = {"tales_last_word", "tales_whole", "tales_goes_on"};
  private static final double PRECISION = 1e-9; // relative; only the order of sums may differ

  @TempDir static Path results;

  private static boolean evaluated;

  /** What the harness wrote down for each paragraph of a task; the first call runs all tasks. */
  private static List<JsonNode> samples(String task) throws Exception {
    if (!evaluated) {
      evaluate();
      evaluated = true;
    }
    try (Stream<Path> files = Files.walk(results)) {
      Path file =
          files
              .filter(f -> f.getFileName().toString().startsWith("samples_" + task))
              .findFirst()
              .orElseThrow();
      List<JsonNode> samples = new ArrayList<>();
      for (String line : Files.readAllLines(file)) {
        samples.add(Api.JSON.readTree(line));
      }
      assertEquals(9, samples.size(), task);
      return samples;
    }
  }

  private static void evaluate() throws IOException, InterruptedException {
    Path harness = Script.CLIENTS.resolve("python/bin/lm_eval");
    if (!Files.exists(harness)) {
      Script.missing(harness);
    }
    String model =
        String.join(
            ",",
            "base_url=" + SERVER.baseUrl() + "/completions",
            "model=" + ContractServer.MODEL,
            "tokenizer=" + Models.BUNDLED.toAbsolutePath(),
            "tokenizer_backend=huggingface",
            "tokenized_requests=True",
            "add_bos_token=True",
            "num_concurrent=2");
    Map<String, String> environment =
        Map.of(
            "OPENAI_API_KEY",
            ContractServer.KEY,
            "HF_HOME",
            Script.CLIENTS.resolve("huggingface").toString(),
            "HF_HUB_OFFLINE",
            "1",
            "HF_DATASETS_OFFLINE",
            "1");
    Script.Run run =
        Script.run(
            TASKS, // where the tasks look for their paragraphs
            environment,
            harness.toString(),
            "run",
            "--model",
            "local-completions",
            "--model_args",
            model,
            "--batch_size",
            "2",
            "--include_path",
            ".",
            "--tasks",
            String.join(",", NAMES),
            "--log_samples",
            "--output_path",
            results.toString());
    assertEquals(0, run.status(), run.log());
  }

  /**
   * What the harness runs for a whole text: told to add a BOS, it adds one before the text, and one
   * more as the first token's context.
   */
  private static int[] rolling(JsonNode text) {
    JsonNode tokens = SERVER.post("/tokenize", "prompt", text).json().get("tokens");
    int[] ids = Api.JSON.convertValue(tokens, int[].class);
    return IntStream.concat(IntStream.of(ids[0]), IntStream.of(ids)).toArray();
  }

  /** What the server says of a prompt: its tokens' log-probabilities, the first without one. */
  private static JsonNode score(Object prompt) {
    return SERVER
        .post("/v1/completions", "prompt", prompt, "echo", true, "logprobs", 1, "max_tokens", 0)
        .json()
        .at("/choices/0/logprobs");
  }

  @Test
  void theLastWordOfAParagraphHasTheServersLogLikelihood() throws Exception {
    int greedy = 0;
    for (JsonNode sample : samples("tales_last_word")) {
      JsonNode scores = score(sample.at("/doc/text").textValue());
      int context = sample.at("/arguments/gen_args_0/arg_0").textValue().length();
      double expected = 0;
      boolean isGreedy = true;
      for (int t = 1; t < scores.get("tokens").size(); t++) {
        if (scores.at("/text_offset/" + t).intValue() >= context) {
          double score = scores.at("/token_logprobs/" + t).doubleValue();
          expected += score;
          isGreedy &=
              score
                  == scores
                      .at("/top_logprobs/" + t)
                      .valueStream()
                      .mapToDouble(JsonNode::doubleValue)
                      .max()
                      .orElseThrow();
        }
      }
      assertNear(expected, sample.at("/resps/0/0/0").asDouble(), sample);
      assertEquals(isGreedy ? "True" : "False", sample.at("/resps/0/0/1").asText());
      greedy += isGreedy ? 1 : 0;
    }
    assertTrue(greedy > 0 && greedy < 9, "greedy: " + greedy);
  }

  @Test
  void aWholeParagraphHasTheServersLogLikelihood() throws Exception {
    for (JsonNode sample : samples("tales_whole")) {
      double expected =
          score(rolling(sample.at("/doc/text")))
              .get("token_logprobs")
              .valueStream()
              .mapToDouble(JsonNode::doubleValue) // the first is null: 0
              .sum();
      assertNear(expected, sample.at("/resps/0/0").asDouble(), sample);
    }
  }

  /** The scalar definition of the kernels, and logarithms taken here. */
  @Test
  void aWholeParagraphHasTheEnginesLogLikelihood() throws Exception {
    LanguageModel model = Models.load(Models.BUNDLED, Models.scalar(2));
    for (JsonNode sample : samples("tales_whole")) {
      int[] ids = rolling(sample.at("/doc/text"));
      float[][] logits = Models.logits(model, model.newState(), ids);
      double expected = 0;
      for (int t = 1; t < ids.length; t++) {
        expected += logSoftmax(logits[t - 1], ids[t]);
      }
      double found = sample.at("/resps/0/0").asDouble();
      assertEquals(expected, found, 1e-6 * Math.abs(expected), sample::toString);
    }
  }

  private static double logSoftmax(float[] logits, int id) {
    double max = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).max().orElseThrow();
    double sum =
        IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logits[i] - max)).sum();
    return logits[id] - max - Math.log(sum);
  }

  @Test
  void theHarnessReadsTheServersGreedyContinuation() throws Exception {
    for (JsonNode sample : samples("tales_goes_on")) {
      JsonNode answer =
          SERVER
              .post(
                  "/v1/completions",
                  "prompt",
                  sample.at("/doc/text"),
                  "temperature",
                  0,
                  "max_tokens",
                  24,
                  "stop",
                  List.of(".", "</s>"))
              .json();
      assertEquals(
          answer.at("/choices/0/text").textValue(),
          sample.at("/resps/0/0").textValue(),
          sample::toString);
    }
  }

  private static void assertNear(double expected, double found, JsonNode sample) {
    assertEquals(expected, found, PRECISION * Math.abs(expected), sample::toString);
  }
}
