package dev.tritium.cli;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.EngineListener;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StepReport;
import dev.tritium.engine.StopRules;
import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.RowKernels;
import dev.tritium.scheduler.Generation;
import dev.tritium.scheduler.Scheduler;
import dev.tritium.scheduler.SchedulerLimits;
import dev.tritium.server.LoadedModel;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tritium generate}: continues a prompt in the terminal, without a server. */
@Command(
    name = "generate",
    description = "Continues a prompt and prints the text as it comes.",
    mixinStandardHelpOptions = true)
final class GenerateCommand implements Runnable {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions options;

  @Option(
      names = "--prompt",
      paramLabel = "P",
      description = "Text to continue. Default: an empty one.")
  private @Nullable String prompt;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "Tokens to generate at most. Default: 256.")
  private @Nullable Integer maxTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "From 0, the likeliest token, to 2. Default: the model's.")
  private @Nullable Double temperature;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Makes the answer repeatable. Default: random.")
  private @Nullable Long seed;

  @Override
  public void run() {
    ConsoleLog.showWarnings();
    int limit = maxTokens == null ? 256 : maxTokens;
    require(limit >= 1, "--max-tokens must be at least 1, found " + limit);
    require(
        temperature == null || (temperature >= 0 && temperature <= 2),
        "--temperature must be from 0 to 2, found " + temperature);
    var folder = HubModels.folder(options.model(), true, spec.commandLine().getErr());
    try (Kernels kernels = options.kernels();
        LoadedModel loaded =
            LoadedModel.load(folder, () -> kernels, kernels.workers(), share -> {})) {
      int[] ids = loaded.tokenizer().encode(prompt == null ? "" : prompt, true);
      require(ids.length > 0, "--prompt is needed: this model's tokenizer adds no BOS");
      generate(loaded, kernels.rows(), ids, limit);
    }
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalArgumentException(message);
    }
  }

  private Sampling sampling(LoadedModel loaded) {
    Sampling sampling =
        loaded.sampling().withSeed(seed == null ? ThreadLocalRandom.current().nextLong() : seed);
    return temperature == null ? sampling : sampling.withTemperature(temperature);
  }

  private void generate(LoadedModel loaded, RowKernels rows, int[] ids, int limit) {
    Clock clock = new Clock();
    Scheduler scheduler =
        new Scheduler(
            loaded.model(),
            loaded.tokenizer(),
            rows,
            SchedulerLimits.defaults().withoutTimeout(),
            clock);
    StopRules stop = new StopRules(limit, 0, List.of(), loaded.model().description().eosIds());
    Generation generation =
        scheduler.submit(
            List.of(new SequenceRequest(ids, 0, sampling(loaded), stop, Logprobs.NONE)));
    PrintWriter out = spec.commandLine().getOut();
    out.print(loaded.tokenizer().decode(ids));
    while (!generation.isDone()) {
      scheduler.step();
      for (AnswerDelta delta : generation.poll()) {
        out.print(delta.text());
      }
      out.flush();
    }
    int tokens = generation.account().answerTokens();
    out.printf(
        Locale.ROOT,
        "%n%d prompt tokens, %d tokens generated, %.1f tokens per second%n",
        ids.length,
        tokens,
        clock.tokensPerSecond(tokens));
    out.flush();
  }

  /** Times the tokens after the first, so that the prompt's time does not count. */
  private static final class Clock implements EngineListener {
    private final long start = System.nanoTime();
    private long first;
    private long last;

    @Override
    public void stepEnded(StepReport report) {
      if (report.drawn(0) > 0) {
        last = System.nanoTime();
        first = first == 0 ? last : first;
      }
    }

    double tokensPerSecond(int tokens) {
      return tokens > 1 ? (tokens - 1) * 1e9 / (last - first) : tokens * 1e9 / (last - start);
    }
  }
}
