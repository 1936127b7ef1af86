package dev.tritium.cli;

import dev.tritium.hub.ByteCount;
import dev.tritium.hub.CachedSnapshot;
import dev.tritium.hub.HubCache;
import dev.tritium.hub.HubSettings;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tritium list}: which models are in the cache. */
@Command(
    name = "list",
    description = "Lists the models in the hub's cache, whoever has put them there.",
    mixinStandardHelpOptions = true)
final class ListCommand implements Runnable {
  private static final int COMMIT_CHARS = 12;

  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "Prints JSON and nothing else.")
  private boolean json;

  /** A line of the list. */
  private record Row(
      String model,
      String commit,
      List<String> revisions,
      long bytes,
      boolean whole,
      String folder) {}

  @Override
  public void run() {
    HubCache cache = new HubCache(HubSettings.read().cache());
    List<CachedSnapshot> all = CachedSnapshot.all(cache);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.print(Json.of(all.stream().map(ListCommand::row).toList()));
    } else if (all.isEmpty()) {
      out.println("no models in " + cache.folder());
    } else {
      int width = all.stream().mapToInt(each -> each.model().length()).max().orElse(0);
      String format = "%-" + Math.max(width, 5) + "s  %-20s  %-12s  %9s  %s%n";
      out.printf(format, "model", "revision", "commit", "size", "");
      for (CachedSnapshot each : all) {
        out.printf(
            format,
            each.model(),
            String.join(", ", each.revisions()),
            each.commit().substring(0, Math.min(COMMIT_CHARS, each.commit().length())),
            ByteCount.of(each.bytes()),
            each.whole() ? "" : "not whole");
      }
    }
    out.flush();
  }

  private static Row row(CachedSnapshot each) {
    return new Row(
        each.model(),
        each.commit(),
        each.revisions(),
        each.bytes(),
        each.whole(),
        each.folder().toString());
  }
}
