package dev.tritium.testing;

/** The server's settings as system properties of this JVM. */
public final class Settings {
  private Settings() {}

  /** Forgets those that the last test of the server left behind. */
  public static void forget() {
    System.getProperties().keySet().removeIf(name -> name.toString().startsWith("tritium."));
  }
}
