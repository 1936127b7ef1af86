package dev.tritium.server;

import dev.tritium.kernel.KernelChooser;
import io.quarkus.runtime.Quarkus;

/** The way into Quarkus. */
public final class Server {
  private Server() {}

  /**
   * Serves until the process is told to end; settings are {@code tritium.*} properties.
   *
   * @param probeKernels whether the best kernel will be asked for: found while Quarkus starts
   */
  public static void run(boolean probeKernels) {
    if (probeKernels) {
      Thread.ofPlatform().daemon().name("tritium-probe").start(KernelChooser::probe);
    }
    Quarkus.run();
  }
}
