package dev.tritium.cli;

import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.Workers;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.Loading;
import dev.tritium.model.ModelFamilies;
import dev.tritium.server.LoadedModel;
import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
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
    Subject subject = subject();
    Optional<DecodeEnergy> energy = DecodeEnergy.start();
    try (Kernels chosen = options.kernels()) {
      TimedProducts products = new TimedProducts(chosen.ternary());
      Kernels kernels = new Kernels(products, chosen.rows(), chosen.workers());
      progress("loading");
      try (LanguageModel model = subject.load.apply(kernels);
          MemoryReader reader = new MemoryReader(kernels.workers())) {
        Benchmark benchmark = new Benchmark(model, kernels, products, reader, rows, prompt, energy);
        progress("warming up");
        benchmark.warmUp();
        energy.ifPresent(DecodeEnergy::learnIdlePower);
        for (int r = 1; r <= count; r++) {
          progress("round " + r + " of " + count);
          benchmark.round();
        }
        progress("");
        BenchReport report = benchmark.report(subject.name, kernels.workers().size());
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? report.toJson() : report.toTable());
        out.flush();
      }
    }
  }

  private static void requireInRange(String option, int value, int most) {
    if (value < 1 || value > most) {
      throw new IllegalArgumentException(
          "%s must be from 1 to %d, found %d".formatted(option, most, value));
    }
  }

  /** What is measured. */
  private record Subject(String name, Function<Kernels, LanguageModel> load) {}

  /** A shape or a model; one that is typed goes before one that is set elsewhere. */
  private Subject subject() {
    ParseResult typed = spec.commandLine().getParseResult();
    boolean shapeTyped = typed.hasMatchedOption("--shape");
    boolean modelTyped = typed.hasMatchedOption("--model");
    if (shape != null && !options.models().isEmpty() && shapeTyped == modelTyped) {
      throw new IllegalArgumentException(
          "--model and --shape exclude each other: a shape has random weights of its own");
    }
    if (shape != null && !modelTyped) {
      Shape random = Shape.of(shape);
      return new Subject(random.label + " with random weights", random::model);
    }
    Path folder = HubModels.folder(options.model(), false, spec.commandLine().getErr());
    return new Subject(folder.toString(), kernels -> load(folder, kernels));
  }

  private static LanguageModel load(Path folder, Kernels kernels) {
    Workers workers = kernels.workers();
    Loading loading = Loading.with(workers, LoadedModel.cache(workers));
    return ModelFamilies.load(ModelFolder.open(folder), kernels, loading);
  }

  /** Says on a terminal what goes on; an empty text takes that back. */
  private void progress(String text) {
    if (Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent()) {
      PrintWriter err = spec.commandLine().getErr();
      err.printf("\r%-20s\r%s", "", text);
      err.flush();
    }
  }
}
