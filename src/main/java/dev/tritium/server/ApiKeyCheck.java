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
 * Lets requests in that need no key or have one: an API key, or for admins' requests one of theirs,
 * never the other. Files of keys are read again when they change; while one cannot be read, its
 * keys of before stay.
 */
@Singleton
public class ApiKeyCheck {
  private static final System.Logger LOG = System.getLogger(ApiKeyCheck.class.getName());

  private static final long LOOK_MILLIS = 2_000;
  private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "::1", "localhost");

  private final TritiumConfig config;
  private final Watched api;
  private final Watched admins;

  ApiKeyCheck(TritiumConfig config) {
    this.config = config;
    this.api = new Watched(ApiKeys.Setting.ofApi(config));
    this.admins = new Watched(ApiKeys.Setting.ofAdmins(config));
  }

  /** Whether there are admins, so that their requests are for something that is here. */
  boolean hasAdmins() {
    return admins.required;
  }

  /** Whether a request may go on. */
  boolean admits(Endpoint endpoint, @Nullable String authorization) {
    return switch (endpoint) {
      case ADMIN -> admins.required && admins.hasKey(authorization);
      case HEALTH, OPENAPI, PLAYGROUND -> true;
      case METRICS -> config.metrics().open() || api.admits(authorization);
      default -> api.admits(authorization);
    };
  }

  void start(@Observes StartupEvent event, Vertx vertx) {
    api.keys.ifPresent(
        keys ->
            LOG.log(System.Logger.Level.INFO, "requests need one of {0} API keys", keys.count()));
    admins.keys.ifPresent(
        keys ->
            LOG.log(
                System.Logger.Level.INFO,
                "models can be loaded and unloaded with one of {0} admin keys",
                keys.count()));
    if (!api.required && !LOOPBACK.contains(config.host())) {
      LOG.log(
          System.Logger.Level.WARNING,
          "whoever reaches {0} can use this server: tritium.api-keys-file is not set",
          config.host());
    }
    if (config.apiKeysFile().isPresent() || config.admin().keyFile().isPresent()) {
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

  /** Reads the files again that have changed. */
  void look() {
    api.look();
    admins.look();
  }

  /** The keys of a pair of settings, as they are now. */
  private static final class Watched {
    private final ApiKeys.Setting setting;
    private final boolean required;
    private volatile Optional<ApiKeys> keys; // empty although required: nobody is let in
    private @Nullable FileTime changed;
    private boolean failed; // to read the file as it is

    Watched(ApiKeys.Setting setting) {
      this.setting = setting;
      this.required = setting.isSet();
      this.changed = changed();
      this.keys = read();
    }

    boolean admits(@Nullable String authorization) {
      return !required || hasKey(authorization);
    }

    boolean hasKey(@Nullable String authorization) {
      Optional<ApiKeys> current = keys;
      return authorization != null && current.isPresent() && current.get().accept(authorization);
    }

    void look() {
      FileTime now = changed();
      if (Objects.equals(now, changed) && !failed) {
        return;
      }
      try {
        keys = setting.read();
        changed = now;
        failed = false;
        LOG.log(
            System.Logger.Level.INFO,
            "{0} has changed: requests need one of {1} keys",
            setting.fileName(),
            keys.map(ApiKeys::count).orElse(0));
      } catch (IllegalArgumentException e) {
        if (!failed || !Objects.equals(now, changed)) { // once for each state of the file
          LOG.log(System.Logger.Level.ERROR, "the keys stay as they are: {0}", e.getMessage());
        }
        changed = now;
        failed = true; // it may become readable without a change of its time
      }
    }

    /** Nothing where the settings are wrong: {@link SettingsCheck} ends the server for that. */
    private Optional<ApiKeys> read() {
      try {
        return setting.read();
      } catch (IllegalArgumentException e) {
        return Optional.empty();
      }
    }

    private @Nullable FileTime changed() {
      try {
        Optional<String> file = setting.file();
        return file.isPresent() ? Files.getLastModifiedTime(Path.of(file.get())) : null;
      } catch (IOException e) {
        return null; // it is missing, or may not be read
      }
    }
  }
}
