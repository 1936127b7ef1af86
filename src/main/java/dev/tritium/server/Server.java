package dev.tritium.server;

import dev.tritium.kernel.KernelChooser;
import io.quarkus.runtime.Quarkus;

/** The way into Quarkus. */
public final class Server {
  private Server() {}

  /** Serves until the process is told to end; settings are {@code tritium.*} properties. */
  public static void run() {
    // Quarkus leaves a processor idle while it starts: ready about a second earlier.
    Thread.ofPlatform().daemon().name("tritium-warm-up").start(KernelChooser::warmUp);
    Quarkus.run();
  }
}
