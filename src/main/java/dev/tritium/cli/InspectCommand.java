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
    try (ModelFolder folder =
        ModelFolder.open(LoadedModel.find(Optional.ofNullable(model), ModelOptions.home()))) {
      ModelDescription description = ModelFamilies.of(folder).describe(folder);
      PrintWriter out = spec.commandLine().getOut();
      line(out, "model", folder.name());
      line(out, "family", description.modelType());
      line(out, "parameters", "%,d", description.parameters());
      line(
          out,
          "ternary",
          "%,d (%.1f %%)",
          description.ternaryParameters(),
          100.0 * description.ternaryParameters() / description.parameters());
      line(out, "layers", "%,d", description.layers());
      line(out, "hidden size", "%,d", description.hiddenSize());
      line(out, "intermediate size", "%,d", description.intermediateSize());
      line(out, "vocabulary", "%,d", description.vocabularySize());
      line(out, "tensors", "%,d", folder.tensorNames().size());
      line(out, "data types", dtypes(folder));
      line(out, "weights on disk", "%,d bytes", folder.weightBytes());
      line(out, "state of a sequence", "%,d bytes", description.stateBytes());
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

  private static void line(PrintWriter out, String name, String value, Object... arguments) {
    String text = arguments.length == 0 ? value : value.formatted(arguments);
    out.printf(Locale.ROOT, "%-20s %s%n", name, text);
  }
}
