package dev.tritium.cli;

import dev.tritium.checkpoint.PackedCache;
import dev.tritium.hub.ByteCount;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tritium prune}: frees the disk of packed weights that nobody uses any more. */
@Command(
    name = "prune",
    description =
        "Deletes packed weights that no start has used lately; a model's next start packs it again.",
    mixinStandardHelpOptions = true)
final class PruneCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--unused-days",
      paramLabel = "N",
      description = "Days without a start. Default: 30. With 0 all of them go.")
  private int unusedDays = 30;

  @Option(names = "--json", description = "Prints JSON and nothing else.")
  private boolean json;

  /** What was done. */
  private record Pruned(String folder, long freedBytes) {}

  @Override
  public void run() {
    if (unusedDays < 0) {
      throw new IllegalArgumentException(
          "--unused-days must be at least 0, found %d".formatted(unusedDays));
    }
    Path folder = PackedCache.folderOfUser();
    long freed = PackedCache.prune(folder, Instant.now().minus(Duration.ofDays(unusedDays)));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.print(Json.of(new Pruned(folder.toString(), freed)));
    } else {
      out.printf("%s: %s are free%n", folder, ByteCount.of(freed));
    }
    out.flush();
  }
}
