package dev.tritium.storage;

import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The folder for files that can be made again: what is in it may be deleted at any time. */
public final class CacheFolder {
  private CacheFolder() {}

  /**
   * {@code $TRITIUM_CACHE}, else {@code $XDG_CACHE_HOME/tritium}, else {@code ~/.cache/tritium};
   * absolute, and perhaps not there yet.
   */
  public static Path path() {
    return path(System::getenv, System.getProperty("user.home", "."));
  }

  static Path path(UnaryOperator<@Nullable String> environment, String home) {
    String tritium = environment.apply("TRITIUM_CACHE");
    String xdg = environment.apply("XDG_CACHE_HOME");
    Path folder =
        isSet(tritium)
            ? Path.of(tritium)
            : isSet(xdg) ? Path.of(xdg, "tritium") : Path.of(home, ".cache", "tritium");
    return folder.toAbsolutePath();
  }

  private static boolean isSet(@Nullable String value) {
    return value != null && !value.isEmpty();
  }
}
