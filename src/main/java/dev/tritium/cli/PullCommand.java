package dev.tritium.cli;

import dev.tritium.hub.ModelId;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tritium pull}: brings a model from the hub into the cache. */
@Command(
    name = "pull",
    description = {
      "Loads a model from the Hugging Face hub into the cache, which its Python tools use too.",
      "What is there already is not loaded again."
    },
    mixinStandardHelpOptions = true)
final class PullCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "ID[@REVISION]",
      description = "Such as ridger/MMfreeLM-370M; a branch, tag or commit. Default: main.")
  private String model = "";

  @Option(names = "--json", description = "Prints JSON and nothing else to the standard output.")
  private boolean json;

  /** What is there now. */
  private record Pulled(String model, String revision, String commit, String folder) {}

  @Override
  public void run() {
    ModelId id = ModelId.require(model);
    Path folder = HubModels.pull(id, spec.commandLine().getErr());
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.print(
          Json.of(
              new Pulled(
                  id.repository(),
                  id.revision(),
                  String.valueOf(folder.getFileName()),
                  folder.toString())));
    } else {
      out.println(folder);
    }
    out.flush();
  }
}
