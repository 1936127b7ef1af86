package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.energy.EnergySettings;
import dev.tritium.energy.Watts;
import dev.tritium.scheduler.SchedulerLimits;
import dev.tritium.server.TritiumConfig.GenerationDefaults;
import dev.tritium.server.TritiumConfig.ReadyWhen;
import io.smallrye.config.ConfigMappings;
import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The settings' defaults, and that their page knows each of them. */
class TritiumConfigTest {
  static TritiumConfig config(Map<String, String> properties) {
    return new SmallRyeConfigBuilder()
        .addDiscoveredConverters()
        .withMapping(TritiumConfig.class)
        .withDefaultValues(properties)
        .withSources(new io.smallrye.config.PropertiesConfigSource(properties, "test", 500))
        .build()
        .getConfigMapping(TritiumConfig.class);
  }

  @Test
  void defaults() {
    TritiumConfig config = config(Map.of());
    assertEquals("127.0.0.1", config.host());
    assertEquals(8080, config.port());
    assertEquals(Optional.empty(), config.model());
    assertEquals(Optional.empty(), config.modelId());
    assertEquals(".", config.home());
    assertEquals("auto", config.kernel());
    assertEquals(OptionalInt.empty(), config.threads());
    assertEquals(131_072, config.maxModelLen());
    assertEquals(Optional.empty(), config.chatTemplate());
    assertEquals(512, config.chatMaxTokens());
    assertEquals(GenerationDefaults.OPENAI, config.generationConfig());
    assertEquals(10_485_760, config.maxBodyBytes());
    assertFalse(config.exitWhenReady());
    assertEquals(1_200, config.warmup().millis());
    assertEquals(SchedulerLimits.defaults(), ModelLoader.limits(config, 1));
    assertEquals(4096, config.maxConnections());
    assertEquals(Duration.ofSeconds(5), config.stream().ping());
    assertEquals(Duration.ofSeconds(30), config.stream().stallTimeout());
    assertEquals(Duration.ofSeconds(60), config.health().stallTimeout());
    assertEquals(ReadyWhen.ALL, config.health().readyWhen());
    assertEquals(Optional.empty(), config.admin().key());
    assertEquals(Optional.empty(), config.admin().keyFile());
    assertEquals(Duration.ofSeconds(25), config.shutdown().grace());
    assertEquals(Optional.empty(), config.apiKeys());
    assertEquals(Optional.empty(), config.apiKeysFile());
    assertFalse(config.metrics().open());
    assertEquals(Optional.empty(), config.cors().origins());
    assertTrue(config.accessLog().enabled());
    assertFalse(config.accessLog().text());
    assertFalse(config.log().json());
    assertEquals("auto", config.energy().source());
    assertEquals("/sys/devices/virtual/powercap", config.energy().powercap());
    assertEquals("/sys/class/hwmon", config.energy().hwmon());
    assertEquals(OptionalDouble.empty(), config.energy().idleWatts());
    assertEquals(OptionalDouble.empty(), config.energy().maxWatts());
    assertTrue(config.usage().energy());
    SettingsCheck.check(config);
  }

  @Test
  void modelsShareTheMemoryForStates() {
    TritiumConfig config = config(Map.of("tritium.prefix-cache.bytes", "9000"));
    SchedulerLimits alone = ModelLoader.limits(config, 1);
    SchedulerLimits ofThree = ModelLoader.limits(config, 3);
    assertEquals(9000, alone.cacheBytes());
    assertEquals(3000, ofThree.cacheBytes());
    assertEquals(alone.stateBytes() / 3, ofThree.stateBytes());
    assertEquals(alone.maxRunning(), ofThree.maxRunning());
  }

  @Test
  void thePrefixCacheTakesAnEighthOfASmallMemory() {
    OptionalLong unset = config(Map.of()).prefixCache().bytes();
    assertEquals(64 << 20, ModelLoader.prefixCacheBytes(unset, 512 << 20));
    assertEquals(256 << 20, ModelLoader.prefixCacheBytes(unset, 64L << 30));
    OptionalLong set = config(Map.of("tritium.prefix-cache.bytes", "7")).prefixCache().bytes();
    assertEquals(7, ModelLoader.prefixCacheBytes(set, 512 << 20));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "example.org",
        "https://example.org/",
        "https://example.org/chat",
        "https://*.example.org",
        "https://a.org https://b.org",
        "https://a.org,*.org"
      })
  void anOriginThatNoBrowserSendsIsNamed(String origins) {
    TritiumConfig config = config(Map.of("tritium.cors.origins", origins));
    Exception refusal =
        assertThrows(IllegalArgumentException.class, () -> SettingsCheck.check(config));
    assertTrue(String.valueOf(refusal.getMessage()).startsWith("tritium.cors.origins: "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"*", "https://example.org,http://localhost:3000", "app://obsidian.md"})
  void originsAsBrowsersSendThemAreTaken(String origins) {
    SettingsCheck.check(config(Map.of("tritium.cors.origins", origins)));
  }

  @ParameterizedTest
  @CsvSource({
    "max-model-len, 0",
    "max-body-bytes, 0",
    "chat-max-tokens, -1",
    "scheduler.max-running, 0",
    "scheduler.max-waiting, 0",
    "scheduler.max-waiting-tokens, 0",
    "scheduler.max-wait, 0s",
    "scheduler.step-rows, 0",
    "scheduler.step-millis, 0",
    "prefix-cache.bytes, -1",
    "prefix-cache.chunk, 0",
    "warmup.millis, -1",
    "request.timeout, PT-1S",
    "stream.ping, 0s",
    "stream.stall-timeout, 0s",
    "health.stall-timeout, 0s",
    "shutdown.grace, PT-1S"
  })
  void aSettingThatCannotBeMeantIsNamed(String setting, String value) {
    TritiumConfig config = config(Map.of("tritium." + setting, value));
    Exception refusal =
        assertThrows(IllegalArgumentException.class, () -> SettingsCheck.check(config));
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.startsWith("tritium." + setting + " must be at least "), message);
  }

  @Test
  void energyIsCountedAsItIsSetOrNotAtAll() {
    EnergySettings settings =
        EnergyMetering.settings(
                config(
                        Map.of(
                            "tritium.energy.source", "estimate",
                            "tritium.energy.powercap", "/host/powercap",
                            "tritium.energy.idle-watts", "40",
                            "tritium.energy.max-watts", "200.5",
                            "tritium.energy.low.idle-watts", "30",
                            "tritium.energy.high.max-watts", "220"))
                    .energy())
            .orElseThrow();
    assertEquals("estimate", settings.source());
    assertEquals(Path.of("/host/powercap"), settings.powercap());
    assertEquals(new Watts(40, 200.5), settings.watts());
    assertEquals(new Watts(30, 200.5), settings.low());
    assertEquals(new Watts(40, 220), settings.high());
    TritiumConfig off = config(Map.of("tritium.energy.source", "off"));
    assertEquals(Optional.empty(), EnergyMetering.settings(off.energy()));
    SettingsCheck.check(off);
  }

  @ParameterizedTest
  @CsvSource({
    "source, sun",
    "idle-watts, -1",
    "max-watts, 1e6",
    "low.idle-watts, 90000",
    "high.max-watts, -2"
  })
  void anEnergySettingThatCannotBeMeantIsNamed(String setting, String value) {
    TritiumConfig config = config(Map.of("tritium.energy." + setting, value));
    Exception refusal =
        assertThrows(IllegalArgumentException.class, () -> SettingsCheck.check(config));
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.startsWith("tritium.energy." + setting + " must be "), message);
  }

  @Test
  void aMisspeltSettingIsRefused() {
    assertThrows(
        ConfigValidationException.class, () -> config(Map.of("tritium.max-modellen", "5")));
  }

  @Test
  void everySettingIsOnItsPage() throws IOException {
    String page = Files.readString(Path.of("docs/configuration.md"));
    for (String name :
        ConfigMappings.getProperties(
                ConfigMappings.ConfigClass.configClass(TritiumConfig.class, "tritium"))
            .keySet()) {
      assertTrue(
          page.contains("`" + name.replace("[*]", "") + "`"),
          name + " is not in docs/configuration.md");
    }
  }
}
