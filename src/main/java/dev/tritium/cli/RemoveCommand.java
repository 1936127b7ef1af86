package dev.tritium.cli;

import dev.tritium.hub.ByteCount;
import dev.tritium.hub.HubCache;
import dev.tritium.hub.HubSettings;
import dev.tritium.hub.ModelId;
import dev.tritium.hub.Removal;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tritium rm}: takes models out of the cache. */
@Command(
    name = "rm",
    description = "Removes models from the hub's cache, for its Python tools too.",
    mixinStandardHelpOptions = true)
final class RemoveCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "1..*",
      paramLabel = "ID[@REVISION]",
      description = "A model with all its revisions, or the one that is named.")
  private List<String> models = List.of();

  @Option(names = "--json", description = "Prints JSON and nothing else.")
  private boolean json;

  /** What was removed. */
  private record Removed(String model, long freedBytes) {}

  @Override
  public void run() {
    HubCache cache = new HubCache(HubSettings.read().cache());
    PrintWriter out = spec.commandLine().getOut();
    List<ModelId> ids = models.stream().map(ModelId::require).toList(); // all, before any is gone
    List<Removed> removed = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      ModelId id = ids.get(i);
      long freed =
          models.get(i).contains("@") ? Removal.revision(cache, id) : Removal.all(cache, id);
      removed.add(new Removed(models.get(i), freed));
      if (!json) {
        out.printf("removed %s, %s are free%n", models.get(i), ByteCount.of(freed));
      }
    }
    if (json) {
      out.print(Json.of(removed));
    }
    out.flush();
  }
}
