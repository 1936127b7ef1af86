package dev.tritium.cli;

import dev.tritium.kernel.KernelChooser;
import dev.tritium.kernel.Kernels;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What every command that runs a model takes. */
final class ModelOptions {
  @Option(
      names = "--model",
      paramLabel = "MODEL",
      description =
          "Folder of the model, or its id on the hub, OWNER/NAME[@REVISION]. Default: the bundled one.")
  @Nullable String model;

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

  Optional<String> model() {
    return Optional.ofNullable(model);
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
