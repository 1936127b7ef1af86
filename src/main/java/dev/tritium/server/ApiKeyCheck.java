package dev.tritium.server;

import dev.tritium.api.openai.Endpoint;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Lets requests in that need no API key or have one. The file of keys is read again when it
 * changes; while it cannot be read, the keys of before stay.
 */
@Singleton
public class ApiKeyCheck {
  private static final System.Logger LOG = System.getLogger(ApiKeyCheck.class.getName());

  private static final long LOOK_MILLIS = 2_000;
  private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "::1", "localhost");

  private final TritiumConfig config;
  private final boolean required;
  private volatile Optional<ApiKeys> keys; // empty although required: nobody is let in
  private @Nullable FileTime changed;
  private boolean failed; // to read the file as it is

  ApiKeyCheck(TritiumConfig config) {
    this.config = config;
    this.required = ApiKeys.areSet(config);
    this.changed = changed();
    this.keys = read();
  }

  /** Whether a request may go on. */
  boolean admits(Endpoint endpoint, @Nullable String authorization) {
    return !required || isOpen(endpoint) || hasKey(authorization);
  }

  private boolean isOpen(Endpoint endpoint) {
    return switch (endpoint) {
      case HEALTH, OPENAPI, PLAYGROUND -> true;
      case METRICS -> config.metrics().open();
      default -> false;
    };
  }

  private boolean hasKey(@Nullable String authorization) {
    Optional<ApiKeys> current = keys;
    return authorization != null && current.isPresent() && current.get().accept(authorization);
  }

  void start(@Observes StartupEvent event, Vertx vertx) {
    keys.ifPresent(
        current ->
            LOG.log(
                System.Logger.Level.INFO, "requests need one of {0} API keys", current.count()));
    if (!required && !LOOPBACK.contains(config.host())) {
      LOG.log(
          System.Logger.Level.WARNING,
          "whoever reaches {0} can use this server: tritium.api-keys-file is not set",
          config.host());
    }
    if (config.apiKeysFile().isPresent()) {
      vertx.setPeriodic(
          LOOK_MILLIS,
          ignored -> {
            var _ =
                vertx.executeBlocking(
                    () -> {
                      look();
                      return true;
                    });
          });
    }
  }

  /** Reads the file again if it has changed. */
  void look() {
    FileTime now = changed();
    if (Objects.equals(now, changed) && !failed) {
      return;
    }
    try {
      keys = ApiKeys.of(config);
      changed = now;
      failed = false;
      LOG.log(
          System.Logger.Level.INFO,
          "tritium.api-keys-file has changed: requests need one of {0} API keys",
          keys.map(ApiKeys::count).orElse(0));
    } catch (IllegalArgumentException e) {
      if (!failed || !Objects.equals(now, changed)) { // once for each state of the file
        LOG.log(System.Logger.Level.ERROR, "the API keys stay as they are: {0}", e.getMessage());
      }
      changed = now;
      failed = true; // it may become readable without a change of its time
    }
  }

  /** Nothing where the settings are wrong: {@link SettingsCheck} ends the server for that. */
  private Optional<ApiKeys> read() {
    try {
      return ApiKeys.of(config);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private @Nullable FileTime changed() {
    try {
      return config.apiKeysFile().isPresent()
          ? Files.getLastModifiedTime(Path.of(config.apiKeysFile().get()))
          : null;
    } catch (IOException e) {
      return null; // it is missing, or may not be read
    }
  }
}
