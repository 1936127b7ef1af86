package dev.tritium.cli;

import dev.tritium.server.LoadedModel;
import dev.tritium.server.ModelReference;
import dev.tritium.server.Server;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tritium serve}: the only command that enters Quarkus. */
@Command(
    name = "serve",
    description = "Serves models over HTTP, with OpenAI-compatible endpoints.",
    mixinStandardHelpOptions = true)
@SuppressWarnings("UnusedVariable") // options are read through the spec, all in the same way
final class ServeCommand implements Runnable {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions options;

  @Option(
      names = "--host",
      paramLabel = "H",
      description = "Address to listen on. Default: 127.0.0.1.")
  private @Nullable String host;

  @Option(names = "--port", paramLabel = "N", description = "Port to listen on. Default: 8080.")
  private @Nullable Integer port;

  @Option(
      names = "--generation-config",
      paramLabel = "WHOSE",
      description =
          "Sampling defaults: openai, or model for those of generation_config.json. Default: openai.")
  private @Nullable String generationConfig;

  @Override
  public void run() {
    List<String> models = options.models();
    models.forEach(ModelReference::parse);
    if (models.size() <= 1) {
      // A wrong name fails, and a model is pulled, before anything starts; of several, others
      // serve.
      LoadedModel.openTokenizerAhead(
          HubModels.folder(options.model(), true, spec.commandLine().getErr()));
    }
    for (OptionSpec option : spec.options()) {
      Object value = option.getValue();
      if (value != null && !option.usageHelp() && !option.versionHelp()) {
        boolean isModels = option.longestName().equals(Settings.MODEL);
        System.setProperty(
            Settings.property(option), isModels ? ModelReference.join(models) : value.toString());
      }
    }
    Server.run(options::findKernel);
  }
}
