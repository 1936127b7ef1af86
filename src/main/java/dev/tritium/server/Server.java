package dev.tritium.server;

import io.quarkus.runtime.Quarkus;

/** The way into Quarkus. */
public final class Server {
  private Server() {}

  /**
   * Serves until the process is told to end; settings are {@code tritium.*} properties.
   *
   * @param beside what is done while Quarkus starts, on a thread of its own
   */
  public static void run(Runnable beside) {
    Thread.ofPlatform().daemon().name("tritium-beside").start(beside);
    Quarkus.run();
  }
}
