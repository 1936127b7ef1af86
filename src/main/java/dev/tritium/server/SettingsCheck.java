package dev.tritium.server;

import java.time.Duration;

/** Refuses settings that cannot be meant, by their names. */
final class SettingsCheck {
  private SettingsCheck() {}

  /**
   * Checks the numbers and times, the origins, the watts, the models' names, and that keys can be
   * read.
   *
   * @throws IllegalArgumentException naming the setting and what is wrong with it
   */
  static void check(TritiumConfig config) {
    var _ = ApiKeys.of(config);
    var _ = ApiKeys.ofAdmins(config);
    var _ = ModelReference.of(config);
    Cors.check(config);
    var _ = EnergyMetering.settings(config.energy());
    atLeast(1, "tritium.max-model-len", config.maxModelLen());
    atLeast(1, "tritium.chat-max-tokens", config.chatMaxTokens());
    atLeast(1, "tritium.max-body-bytes", config.maxBodyBytes());
    atLeast(1, "tritium.max-connections", config.maxConnections());
    atLeast(1, "tritium.scheduler.max-running", config.scheduler().maxRunning());
    atLeast(1, "tritium.scheduler.max-waiting", config.scheduler().maxWaiting());
    atLeast(1, "tritium.scheduler.max-waiting-tokens", config.scheduler().maxWaitingTokens());
    atLeast(1, "tritium.scheduler.step-rows", config.scheduler().stepRows());
    atLeast(1, "tritium.scheduler.step-millis", config.scheduler().stepMillis());
    atLeast(0, "tritium.prefix-cache.bytes", config.prefixCache().bytes().orElse(0));
    atLeast(1, "tritium.prefix-cache.chunk", config.prefixCache().chunk());
    atLeast(0, "tritium.warmup.millis", config.warmup().millis());
    atLeast(Duration.ofSeconds(1), "tritium.scheduler.max-wait", config.scheduler().maxWait());
    atLeast(Duration.ZERO, "tritium.request.timeout", config.request().timeout());
    atLeast(Duration.ofMillis(10), "tritium.stream.ping", config.stream().ping());
    atLeast(Duration.ofMillis(10), "tritium.stream.stall-timeout", config.stream().stallTimeout());
    atLeast(Duration.ofSeconds(1), "tritium.health.stall-timeout", config.health().stallTimeout());
    atLeast(Duration.ZERO, "tritium.shutdown.grace", config.shutdown().grace());
  }

  private static void atLeast(long least, String name, long found) {
    if (found < least) {
      throw new IllegalArgumentException(
          "%s must be at least %d, found %d".formatted(name, least, found));
    }
  }

  private static void atLeast(Duration least, String name, Duration found) {
    if (found.compareTo(least) < 0) {
      throw new IllegalArgumentException(
          "%s must be at least %d ms, found %d ms"
              .formatted(name, least.toMillis(), found.toMillis()));
    }
  }
}
