package dev.tritium.cli;

/** Spike. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    io.quarkus.runtime.Quarkus.run(args);
  }
}
