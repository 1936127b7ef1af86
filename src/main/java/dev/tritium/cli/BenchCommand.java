package dev.tritium.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.cli.BenchReport.BatchedDecode;
import dev.tritium.kernel.Kernels;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.ModelFamilies;
import dev.tritium.server.LoadedModel;
import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** {@code tritium bench}: how fast a model runs here, without a server. */
@Command(
    name = "bench",
    description = "Measures decode, batched decode, prefill and the memory they read.",
    mixinStandardHelpOptions = true)
final class BenchCommand implements Runnable {
  private static final int MOST_ROWS = 1024; // of a batch
  private static final int MOST_PROMPT_TOKENS = 131_072;
  private static final int MOST_ROUNDS = 1000;

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions options;

  @Option(
      names = "--shape",
      paramLabel = "S",
      description =
          "370m, 1.3b or 2.7b: random weights in the shape of that MMfreeLM, instead of a model.")
  private @Nullable String shape;

  @Option(
      names = "--batches",
      split = ",",
      paramLabel = "N",
      description = "Sequences that decode together. Default: 1,4,16,64.")
  private @Nullable List<Integer> batches;

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N",
      description = "Length of the prompt of prefill. Default: 128.")
  private @Nullable Integer promptTokens;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "Times that everything is measured, about half a second each. Default: 7.")
  private @Nullable Integer rounds;

  @Option(names = "--json", description = "Prints JSON and nothing else.")
  private boolean json;

  @Override
  public void run() {
    ConsoleLog.showWarnings();
    List<Integer> rows = batches == null ? List.of(1, 4, 16, 64) : batches;
    rows.forEach(n -> requireInRange("--batches", n, MOST_ROWS));
    int prompt = promptTokens == null ? 128 : promptTokens;
    requireInRange("--prompt-tokens", prompt, MOST_PROMPT_TOKENS);
    int count = rounds == null ? 7 : rounds;
    requireInRange("--rounds", count, MOST_ROUNDS);
    @Nullable Shape random = shape();
    try (Kernels chosen = options.kernels()) {
      TimedProducts products = new TimedProducts(chosen.ternary());
      Kernels kernels = new Kernels(products, chosen.rows(), chosen.workers());
      try (MemoryReader reader = new MemoryReader(kernels.workers());
          LanguageModel model = random == null ? load(kernels) : random.model(kernels)) {
        Benchmark benchmark = new Benchmark(model, kernels, products, reader, rows, prompt);
        progress("warming up");
        benchmark.warmUp();
        for (int r = 1; r <= count; r++) {
          progress("round " + r + " of " + count);
          benchmark.round();
        }
        progress("");
        print(benchmark.report(name(random), kernels.workers().size()));
      }
    }
  }

  private static void requireInRange(String option, int value, int most) {
    if (value < 1 || value > most) {
      throw new IllegalArgumentException(
          "%s must be from 1 to %d, found %d".formatted(option, most, value));
    }
  }

  /** The shape to run, or null for a model. On the command line one of them is named at most. */
  private @Nullable Shape shape() {
    ParseResult typed = spec.commandLine().getParseResult();
    boolean shapeTyped = typed.hasMatchedOption("--shape");
    boolean modelTyped = typed.hasMatchedOption("--model");
    if (shape != null && options.model != null && shapeTyped == modelTyped) {
      throw new IllegalArgumentException(
          "--model and --shape exclude each other: a shape has random weights of its own");
    }
    return shape == null || modelTyped ? null : Shape.of(shape);
  }

  private String name(@Nullable Shape random) {
    return random == null
        ? folder().toAbsolutePath().normalize().getFileName().toString()
        : random.label + " (random weights)";
  }

  private Path folder() {
    return LoadedModel.find(options.model(), ModelOptions.home());
  }

  private LanguageModel load(Kernels kernels) {
    ModelFolder folder = ModelFolder.open(folder());
    try {
      return ModelFamilies.load(folder, kernels);
    } catch (RuntimeException | Error e) {
      folder.close();
      throw e;
    }
  }

  /** Says on a terminal what goes on; an empty text takes that back. */
  private void progress(String text) {
    if (Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent()) {
      PrintWriter err = spec.commandLine().getErr();
      err.printf("\r%-20s\r%s", "", text);
      err.flush();
    }
  }

  private void print(BenchReport report) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(toJson(report));
    } else {
      printTable(out, report);
    }
    out.flush();
  }

  private static String toJson(BenchReport report) {
    try {
      return JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build()
          .writeValueAsString(report);
    } catch (JsonProcessingException e) {
      throw new AssertionError("a record of numbers and texts is always JSON", e);
    }
  }

  private static void printTable(PrintWriter out, BenchReport r) {
    line(out, "%s: %,d parameters", r.model(), r.parameters());
    line(
        out,
        "%s packed ternary weights, %,d bytes of state per sequence",
        gigabytes((double) r.memory().weightBytes()),
        r.memory().stateBytesPerSequence());
    line(
        out,
        "kernel %s (%s), %d threads%s",
        r.kernel(),
        r.vectorBits() == 0 ? "no vectors" : r.vectorBits() + "-bit vectors",
        r.threads(),
        r.cpu().name().isEmpty() ? "" : ", " + r.cpu().name());
    line(out, "");
    line(out, "%-26s %12s %12s", r.rounds() + " rounds", "median", "best");
    line(
        out,
        "%-26s %12s %12s",
        "memory read",
        gigabytes(r.memory().readBytesPerSecond()) + "/s",
        gigabytes(r.memory().bestReadBytesPerSecond()) + "/s");
    for (BatchedDecode batch : r.batches()) {
      line(
          out,
          "%-26s %12.1f %12.1f tokens/s   x %.2f",
          "decode, %d sequence%s".formatted(batch.rows(), batch.rows() == 1 ? "" : "s"),
          batch.tokensPerSecond(),
          batch.bestTokensPerSecond(),
          batch.speedup());
    }
    line(
        out,
        "%-26s %12.1f %12.1f tokens/s",
        "prefill, %d tokens".formatted(r.prefill().promptTokens()),
        r.prefill().tokensPerSecond(),
        r.prefill().bestTokensPerSecond());
    line(out, "");
    line(
        out,
        "One sequence reads %s/s of weights, %.2f of the read rate.",
        gigabytes(r.decode().weightBytesPerSecond()),
        r.decode().readRateShare());
    line(
        out,
        "Its time: %.1f %% matrix products, %.1f %% sampling, %.1f %% norms, activations and the rest.",
        100 * r.decode().matrixShare(),
        100 * r.decode().samplingShare(),
        100 * r.decode().otherShare());
  }

  private static String gigabytes(double bytes) {
    return String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
  }

  private static void line(PrintWriter out, String format, Object... values) {
    out.printf(Locale.ROOT, format + "%n", values);
  }
}
