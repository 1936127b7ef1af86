package dev.tritium.cli;

import dev.tritium.kernel.KernelChooser;
import dev.tritium.kernel.Kernels;
import dev.tritium.server.LoadedModel;
import dev.tritium.server.ModelReference;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What every command that runs a model takes. */
final class ModelOptions {
  @Option(
      names = Settings.MODEL,
      paramLabel = "[NAME=]MODEL",
      description =
          "Folder of the model, or its id on the hub, OWNER/NAME[@REVISION]; what clients call it. serve takes several. Default: the bundled one.")
  private @Nullable List<String> typed;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Compute threads. Default: all CPUs.")
  @Nullable Integer threads;

  @Option(
      names = "--kernel",
      paramLabel = "NAME",
      description = "Ternary kernel: auto, t9, t2 or scalar. Default: auto.")
  @Nullable String kernel;

  /** The models that are typed, else those set elsewhere; empty for the bundled one. */
  List<String> models() {
    if (typed != null) {
      return typed;
    }
    String set = Settings.value("tritium.model");
    return set == null ? List.of() : ModelReference.split(set);
  }

  /**
   * The one model of a command that runs no more, as {@link LoadedModel#find} takes it.
   *
   * @throws IllegalArgumentException if there are more
   */
  Optional<String> model() {
    List<String> models = models();
    if (models.size() > 1) {
      throw new IllegalArgumentException(
          "this command runs one model, and --model or tritium.model has %d: %s"
              .formatted(models.size(), String.join(", ", models)));
    }
    return models.isEmpty() ? Optional.empty() : ModelReference.parse(models.getFirst()).model();
  }

  static String home() {
    return System.getProperty("tritium.home", ".");
  }

  /** Finds the best kernel, if that is left to the machine; asking for it is then quick. */
  void findKernel() {
    if (kernelName().equals(KernelChooser.AUTO)) {
      KernelChooser.find(KernelMemory.ofUser());
    }
  }

  private String kernelName() {
    return kernel == null ? KernelChooser.AUTO : kernel;
  }

  Kernels kernels() {
    int count = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    if (count < 1) {
      throw new IllegalArgumentException("--threads must be at least 1, found " + count);
    }
    findKernel();
    return Kernels.create(kernelName(), count);
  }
}
