package dev.tritium.server;

import io.quarkus.runtime.Quarkus;

/** The way into Quarkus. */
public final class Server {
  private Server() {}

  /** Serves until the process is told to end; settings are {@code tritium.*} properties. */
  public static void run() {
    Quarkus.run();
  }
}
