package dev.tritium.server;

import dev.tritium.energy.EnergySettings;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** The settings of the server; docs/configuration.md explains each. */
@ConfigMapping(prefix = "tritium")
public interface TritiumConfig {
  /** Address to listen on. */
  @WithDefault("127.0.0.1")
  String host();

  /** Port to listen on. */
  @WithDefault("8080")
  int port();

  /** Models, each {@code name=folder} or {@code folder}; the bundled one when missing. */
  Optional<List<String>> model();

  /** What clients call the one model that has no name there; the folder's name when missing. */
  Optional<String> modelId();

  /** The checkout or installation, in which the bundled model lies. */
  @WithDefault(".")
  String home();

  /** Ternary kernel: auto, t9, t2 or scalar. */
  @WithDefault("auto")
  String kernel();

  /** Compute threads; all CPUs when missing. */
  OptionalInt threads();

  /** Tokens of prompt and answer together. */
  @WithDefault("131072")
  int maxModelLen();

  /** File with a chat template that replaces the model's own. */
  Optional<String> chatTemplate();

  /** Tokens of a chat answer that sets no limit. */
  @WithDefault("512")
  int chatMaxTokens();

  /** Sampling defaults: openai, or model for those of generation_config.json. */
  @WithDefault("openai")
  GenerationDefaults generationConfig();

  /** Largest request body in bytes. */
  @WithDefault("10485760")
  long maxBodyBytes();

  /** Keys of which clients must send one; with those of the file, none when both are missing. */
  @WithConverter(ApiKeys.Listed.class)
  Optional<ApiKeys> apiKeys();

  /** File with such keys, one a line. */
  Optional<String> apiKeysFile();

  AdminConfig admin();

  MetricsConfig metrics();

  CorsConfig cors();

  AccessLogConfig accessLog();

  LogConfig log();

  /** Connections at once. */
  @WithDefault("4096")
  int maxConnections();

  /** Whether to end as soon as requests could be served: for checks, and for the class archive. */
  @WithDefault("false")
  boolean exitWhenReady();

  RequestConfig request();

  StreamConfig stream();

  HealthConfig health();

  ShutdownConfig shutdown();

  SchedulerConfig scheduler();

  PrefixCacheConfig prefixCache();

  WarmUpConfig warmup();

  EnergyConfig energy();

  UsageConfig usage();

  /** Where sampling defaults come from. */
  enum GenerationDefaults {
    OPENAI,
    MODEL
  }

  /** Who may load and unload models; nobody when both are missing. */
  interface AdminConfig {
    /** Keys of which admins must send one; with those of the file. */
    @WithConverter(ApiKeys.Listed.class)
    Optional<ApiKeys> key();

    /** File with such keys, one a line. */
    Optional<String> keyFile();
  }

  /** Who may see the metrics. */
  interface MetricsConfig {
    /** Whether they need no key. */
    @WithDefault("false")
    boolean open();
  }

  /** Pages of other origins. */
  interface CorsConfig {
    /** Origins whose pages may use the API, or {@code *}. */
    Optional<List<String>> origins();
  }

  /** One line for each exchange. */
  interface AccessLogConfig {
    @WithDefault("true")
    boolean enabled();

    /** Whether requests and answers are in it too. */
    @WithDefault("false")
    boolean text();
  }

  /** How the server's own log is written. */
  interface LogConfig {
    /** Whether its lines are JSON, as the access log's are. */
    @WithDefault("false")
    boolean json();
  }

  /** Bounds of a request. */
  interface RequestConfig {
    /** From its arrival to its last token; 0: none. */
    @WithDefault("10m")
    Duration timeout();
  }

  /** What holds while answers go out. */
  interface StreamConfig {
    /** Silence after which a stream is pinged. */
    @WithDefault("5s")
    Duration ping();

    /** How long a reader may take nothing although there is something to take. */
    @WithDefault("30s")
    Duration stallTimeout();
  }

  /** What the probes ask. */
  interface HealthConfig {
    /** How long the engine may take for a step; then the server counts as dead. */
    @WithDefault("60s")
    Duration stallTimeout();

    /** Whether all models of the settings must answer for the server to be ready, or any model. */
    @WithDefault("all")
    ReadyWhen readyWhen();
  }

  /** How many models must be ready. */
  enum ReadyWhen {
    ALL,
    ANY
  }

  /** How the server ends. */
  interface ShutdownConfig {
    /** Time that answers have to finish. */
    @WithDefault("25s")
    Duration grace();
  }

  /** Bounds of the scheduler. */
  interface SchedulerConfig {
    /** Sequences that run at once. */
    @WithDefault("64")
    int maxRunning();

    /** Sequences in the queue. */
    @WithDefault("256")
    int maxWaiting();

    /** Prompt tokens in the queue. */
    @WithDefault("2000000")
    int maxWaitingTokens();

    /** Longest time that a request may be expected to wait. */
    @WithDefault("60s")
    Duration maxWait();

    /** Token rows of one step. */
    @WithDefault("128")
    int stepRows();

    /** Wanted time of a step in milliseconds. */
    @WithDefault("50")
    int stepMillis();
  }

  /** The cache of the states after prompts' beginnings. */
  interface PrefixCacheConfig {
    /** Memory for states; 0: no cache; {@link ModelLoader#limits} knows what, when missing. */
    OptionalLong bytes();

    /** Tokens between the states that are kept. */
    @WithDefault("512")
    int chunk();
  }

  /** How energy is found out. */
  interface EnergyConfig {
    /** Source of the figures: auto, rapl, hwmon, estimate, or off for none. */
    @WithDefault("auto")
    String source();

    /** Folder of the kernel's power capping framework. */
    @WithDefault(EnergySettings.POWERCAP)
    String powercap();

    /** Folder of the kernel's hardware monitoring. */
    @WithDefault(EnergySettings.HWMON)
    String hwmon();

    /** What the host draws when idle; learned or published when missing. */
    OptionalDouble idleWatts();

    /** What the host draws when all CPUs are busy, for an estimate; published when missing. */
    OptionalDouble maxWatts();

    WattsConfig low();

    WattsConfig high();

    /** A bound of the estimate. */
    interface WattsConfig {
      OptionalDouble idleWatts();

      OptionalDouble maxWatts();
    }
  }

  /** What {@code usage} in answers has. */
  interface UsageConfig {
    /** Whether joules are in it. */
    @WithDefault("true")
    boolean energy();
  }

  /** The warm-up before requests are served. */
  interface WarmUpConfig {
    /** Longest time in milliseconds; 0: no warm-up. */
    @WithDefault("1200")
    long millis();
  }
}
