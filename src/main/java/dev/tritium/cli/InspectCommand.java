package dev.tritium.cli;

import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.checkpoint.Tensor;
import dev.tritium.model.ModelDescription;
import dev.tritium.model.ModelFamilies;
import dev.tritium.server.LoadedModel;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tritium inspect}: checks a model's files and says what they hold. */
@Command(
    name = "inspect",
    description = "Checks a model's files and says what they hold, without loading the weights.",
    mixinStandardHelpOptions = true)
final class InspectCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "DIR",
      description = "Folder of the model. Default: the bundled one.")
  private @Nullable String model;

  @Override
  public void run() {
    ConsoleLog.showWarnings();
    Optional<String> wanted = model != null ? Optional.of(model) : new ModelOptions().model();
    try (ModelFolder folder = ModelFolder.open(LoadedModel.find(wanted, ModelOptions.home()))) {
      ModelDescription description = ModelFamilies.describe(folder);
      PrintWriter out = spec.commandLine().getOut();
      line(out, "model", folder.name());
      line(out, "family", description.modelType());
      line(out, "parameters", count(description.parameters()));
      line(out, "ternary", count(description.ternaryParameters()));
      line(out, "layers", count(description.layers()));
      line(out, "hidden size", count(description.hiddenSize()));
      line(out, "intermediate size", count(description.intermediateSize()));
      line(out, "vocabulary", count(description.vocabularySize()));
      line(out, "tensors", count(folder.tensorNames().size()));
      line(out, "data types", dtypes(folder));
      line(out, "weights on disk", count(folder.weightBytes()) + " bytes");
      line(out, "state of a sequence", count(description.stateBytes()) + " bytes");
      out.flush();
    }
  }

  private static String dtypes(ModelFolder folder) {
    return folder.tensors().stream()
        .map(Tensor::dtype)
        .distinct()
        .map(Object::toString)
        .sorted()
        .collect(Collectors.joining(", "));
  }

  private static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private static void line(PrintWriter out, String name, String value) {
    out.printf("%-20s %s%n", name, value);
  }
}
