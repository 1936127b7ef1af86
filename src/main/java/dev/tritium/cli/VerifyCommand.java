package dev.tritium.cli;

import dev.tritium.hub.ByteCount;
import dev.tritium.hub.CachedSnapshot;
import dev.tritium.hub.HubCache;
import dev.tritium.hub.HubException;
import dev.tritium.hub.HubSettings;
import dev.tritium.hub.ModelId;
import dev.tritium.hub.Verification;
import dev.tritium.hub.Verification.FileCheck;
import dev.tritium.hub.Verification.State;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tritium verify}: whether the cache still holds what the hub had. */
@Command(
    name = "verify",
    description = {
      "Hashes the files of models in the hub's cache, without asking the hub.",
      "The exit status is 0 if all are right and whole."
    },
    mixinStandardHelpOptions = true)
final class VerifyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..*",
      paramLabel = "ID[@REVISION]",
      description = "Default: all models of the cache.")
  private List<String> models = List.of();

  @Option(names = "--json", description = "Prints JSON and nothing else.")
  private boolean json;

  private record File(String name, String state, long bytes, String path) {}

  private record Checked(String model, String commit, boolean whole, List<File> files) {}

  @Override
  public Integer call() {
    HubCache cache = new HubCache(HubSettings.read().cache());
    PrintWriter out = spec.commandLine().getOut();
    boolean good = true;
    List<Checked> all = new ArrayList<>();
    for (CachedSnapshot snapshot : wanted(cache)) {
      List<FileCheck> files = Verification.of(cache, snapshot);
      good &= snapshot.whole() && files.stream().noneMatch(VerifyCommand::isBad);
      all.add(
          new Checked(
              snapshot.model(),
              snapshot.commit(),
              snapshot.whole(),
              files.stream().map(VerifyCommand::file).toList()));
      if (!json) {
        print(out, snapshot, files);
      }
    }
    if (json) {
      out.print(Json.of(all));
    }
    out.flush();
    return good ? ExitCode.OK : ExitCode.SOFTWARE;
  }

  private static boolean isBad(FileCheck file) {
    return file.state() == State.DAMAGED || file.state() == State.MISSING;
  }

  private static File file(FileCheck file) {
    return new File(
        file.name(),
        file.state().name().toLowerCase(Locale.ROOT),
        file.bytes(),
        file.path().toString());
  }

  private List<CachedSnapshot> wanted(HubCache cache) {
    List<CachedSnapshot> all =
        CachedSnapshot.all(cache).stream().filter(each -> !each.commit().isEmpty()).toList();
    if (models.isEmpty()) {
      return all;
    }
    List<CachedSnapshot> wanted = new ArrayList<>();
    for (String text : models) {
      ModelId id = ModelId.require(text);
      List<CachedSnapshot> found =
          all.stream()
              .filter(each -> each.model().equals(id.repository()))
              .filter(
                  each ->
                      !text.contains("@")
                          || each.commit().equals(id.revision())
                          || each.revisions().contains(id.revision()))
              .toList();
      if (found.isEmpty()) {
        throw new HubException("%s is not in %s".formatted(text, cache.folder()));
      }
      wanted.addAll(found);
    }
    return wanted;
  }

  private static void print(PrintWriter out, CachedSnapshot snapshot, List<FileCheck> files) {
    out.printf(
        "%s, commit %s: %s%n",
        snapshot.model(),
        snapshot.commit(),
        snapshot.whole() ? "whole" : "not whole: ./tritium pull " + snapshot.model());
    for (FileCheck file : files) {
      String state = file.state().name().toLowerCase(Locale.ROOT);
      out.printf("  %-36s %9s  %s%n", file.name(), ByteCount.of(file.bytes()), state);
    }
    files.stream()
        .filter(VerifyCommand::isBad)
        .forEach(
            file ->
                out.printf(
                    "  to load %s anew: rm '%s' and ./tritium pull %s%n",
                    file.name(), file.path(), snapshot.model()));
  }
}
