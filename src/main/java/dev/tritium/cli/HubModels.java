package dev.tritium.cli;

import dev.tritium.hub.ModelId;
import dev.tritium.hub.PullProgress;
import dev.tritium.server.LoadedModel;
import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;

/** From the name of a model that a user gives to its folder. */
final class HubModels {
  private static final int USUAL_COLUMNS = 80;

  private HubModels() {}

  /**
   * The folder of a model; where a name could be a folder as well as an id, says which it is.
   *
   * @param model a folder or an id; empty for the bundled model
   * @param pull whether a model that is not in the cache is loaded from the hub
   */
  static Path folder(Optional<String> model, boolean pull, PrintWriter err) {
    Path folder =
        pull
            ? LoadedModel.find(model, ModelOptions.home(), id -> pull(id, err))
            : LoadedModel.find(model, ModelOptions.home());
    model
        .flatMap(ModelId::parse)
        .ifPresent(
            id -> {
              boolean snapshot = ModelId.ofSnapshot(folder).isPresent();
              err.printf(
                  "tritium: %s is %s%n",
                  model.get(),
                  snapshot
                      ? "commit %s in the hub's cache".formatted(folder.getFileName())
                      : "a folder here; the hub is not asked");
              err.flush();
            });
    return folder;
  }

  /** Loads what is missing of a model that can be run here, and shows how far it is. */
  static Path pull(ModelId id, PrintWriter err) {
    return LoadedModel.pull(id, progress(err));
  }

  private static PullProgress progress(PrintWriter err) {
    boolean terminal =
        Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent()
            && !"dumb".equals(System.getenv("TERM"))
            && System.getenv("HF_HUB_DISABLE_PROGRESS_BARS") == null;
    return terminal
        ? new ProgressBars(err, System::nanoTime, columns())
        : new ProgressLines(err, System::nanoTime);
  }

  private static int columns() {
    String columns = System.getenv("COLUMNS");
    return columns != null && columns.matches("\\d{2,4}")
        ? Integer.parseInt(columns)
        : USUAL_COLUMNS;
  }
}
