package dev.tritium.cli;

import dev.tritium.energy.EnergyLedger;
import dev.tritium.energy.EnergyMeter;
import dev.tritium.energy.EnergySettings;
import dev.tritium.energy.EnergySettings.Given;
import dev.tritium.energy.MeterChooser;
import dev.tritium.energy.MeterErrors;
import dev.tritium.energy.Quality;
import dev.tritium.energy.SystemCpu;
import dev.tritium.scheduler.ProcessCpu;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.locks.LockSupport;

/** Energy of decoded tokens, reckoned as the server reckons it and with its settings. */
final class DecodeEnergy {
  private static final String PREFIX = "tritium.energy.";
  private static final long QUIET_NANOS = 1_200_000_000; // the ledger learns from a second

  private final EnergyMeter meter;
  private final EnergyLedger<DecodeEnergy> ledger;
  private double joules;
  private long tokens;
  private long startNanos;
  private long startCpuNanos;

  private DecodeEnergy(EnergySettings settings) {
    meter = MeterChooser.choose(settings, new MeterErrors(), System.nanoTime());
    ledger =
        new EnergyLedger<>(
            meter, settings, new SystemCpu(ProcessCpu::nanos), System::nanoTime, new Sum());
  }

  /**
   * Begins to count; empty if {@code tritium.energy.source} is off.
   *
   * @throws IllegalArgumentException naming a setting that cannot be meant
   */
  static Optional<DecodeEnergy> start() {
    String source = setting("source").orElse(MeterChooser.AUTO);
    if (source.equals("off")) {
      return Optional.empty();
    }
    return Optional.of(
        new DecodeEnergy(
            EnergySettings.of(
                source,
                Path.of(setting("powercap").orElse(EnergySettings.POWERCAP)),
                Path.of(setting("hwmon").orElse(EnergySettings.HWMON)),
                watts(""),
                watts("low."),
                watts("high."),
                SystemCpu.countHostCpus())));
  }

  private static Optional<String> setting(String name) {
    return Optional.ofNullable(Settings.value(PREFIX + name));
  }

  private static Given watts(String group) {
    return new Given(number(group + "idle-watts"), number(group + "max-watts"));
  }

  private static OptionalDouble number(String name) {
    Optional<String> value = setting(name);
    try {
      return value.isEmpty()
          ? OptionalDouble.empty()
          : OptionalDouble.of(Double.parseDouble(value.get()));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "%s%s must be a number of watts, found %s".formatted(PREFIX, name, value.get()), e);
    }
  }

  /** Does nothing for a moment, where the idle power has to be learned. */
  void learnIdlePower() {
    if (meter.quality() == Quality.MEASURED) {
      closeWindow();
      LockSupport.parkNanos(QUIET_NANOS);
      closeWindow();
    }
  }

  /** What comes now is decoding. */
  void begin() {
    closeWindow(); // of all that came before
    startNanos = System.nanoTime();
    startCpuNanos = ProcessCpu.nanos();
  }

  private void closeWindow() {
    ledger.stepEnded(new Decoding(0, 0, 0));
  }

  /** So many tokens were decoded since {@link #begin}. */
  void end(long decoded) {
    tokens += decoded;
    long nanos = System.nanoTime() - startNanos;
    ledger.stepEnded(new Decoding(nanos, ProcessCpu.nanos() - startCpuNanos, 1));
  }

  BenchReport.Energy report() {
    boolean known = tokens > 0 && !Double.isNaN(joules);
    return new BenchReport.Energy(
        known ? joules / tokens : null, meter.source(), meter.quality().label());
  }

  /** All tokens of a measurement are one step, which ends the window. */
  private final class Decoding implements EnergyLedger.Step<DecodeEnergy> {
    private final long nanos;
    private final long cpuNanos;
    private final int groups;

    Decoding(long nanos, long cpuNanos, int groups) {
      this.nanos = nanos;
      this.cpuNanos = cpuNanos;
      this.groups = groups;
    }

    @Override
    public long nanos() {
      return nanos;
    }

    @Override
    public long cpuNanos() {
      return cpuNanos;
    }

    @Override
    public int groups() {
      return groups;
    }

    @Override
    public DecodeEnergy request(int g) {
      return DecodeEnergy.this;
    }

    @Override
    public int rows(int g) {
      return 1;
    }

    @Override
    public boolean ended() {
      return true;
    }
  }

  /** Adds it all up. */
  private static final class Sum implements EnergyLedger.Accounts<DecodeEnergy> {
    @Override
    public void add(DecodeEnergy decoding, double joules) {
      decoding.joules += joules;
    }

    @Override
    public void incomplete(DecodeEnergy decoding) {
      decoding.joules = Double.NaN;
    }
  }
}
