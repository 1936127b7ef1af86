package dev.tritium.cli;

import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.kernel.Kernels;
import dev.tritium.model.ModelDescription;
import dev.tritium.model.ModelFamilies;
import dev.tritium.server.LoadedModel;
import java.io.PrintWriter;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tritium inspect}: checks a model's files and says what they hold. */
@Command(
    name = "inspect",
    description = {
      "Checks a model's files and says what they hold, how much memory it needs and how fast it can",
      "be here at most."
    },
    mixinStandardHelpOptions = true)
final class InspectCommand implements Runnable {
  private static final int READS = 5;

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions options;

  @Parameters(
      arity = "0..1",
      paramLabel = "MODEL",
      description = "The same as --model, and before it.")
  private @Nullable String model;

  @Option(names = "--json", description = "Prints JSON and nothing else to the standard output.")
  private boolean json;

  @Override
  public void run() {
    ConsoleLog.showWarnings();
    Optional<String> wanted = Optional.ofNullable(model).or(options::model);
    var path = HubModels.folder(wanted, false, spec.commandLine().getErr());
    try (ModelFolder folder = ModelFolder.open(path)) {
      ModelDescription description = ModelFamilies.describe(folder);
      String name = LoadedModel.defaultName(Optional.of(path.toString()));
      try (Kernels kernels = options.kernels();
          MemoryReader reader = new MemoryReader(kernels.workers())) {
        InspectReport report =
            InspectReport.of(
                name,
                folder,
                description,
                kernels.ternary().name(),
                ModelFamilies.zeros(folder, kernels.workers()),
                ModelFamilies.packedBytes(folder.config(), kernels.ternary().format()),
                ModelFamilies.otherBytes(folder),
                reader.bytesPerSecond(READS));
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? Json.of(report) : report.toTable());
        out.flush();
      }
    }
  }
}
