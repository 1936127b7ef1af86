package dev.tritium.server;

import dev.tritium.api.openai.EnergyLabel;
import dev.tritium.energy.CpuTimes;
import dev.tritium.energy.EnergyLedger;
import dev.tritium.energy.EnergyMeter;
import dev.tritium.energy.EnergySettings;
import dev.tritium.energy.EnergySettings.Given;
import dev.tritium.energy.MeterChooser;
import dev.tritium.energy.MeterErrors;
import dev.tritium.energy.SystemCpu;
import dev.tritium.engine.RequestAccount;
import dev.tritium.scheduler.ProcessCpu;
import dev.tritium.server.TritiumConfig.EnergyConfig;
import java.nio.file.Path;
import java.util.Optional;

/** Counts the process's energy from now on: at the steps' ends, and now and then without any. */
final class EnergyMetering implements AutoCloseable {
  private static final String OFF = "off";

  private final EnergyMeter meter;
  private final MeterErrors errors;
  private final EnergyLedger<RequestAccount> ledger;
  private final Thread reader;

  private EnergyMetering(EnergySettings settings) {
    errors = new MeterErrors();
    CpuTimes cpu = new SystemCpu(ProcessCpu::nanos);
    meter = MeterChooser.choose(settings, errors, System.nanoTime());
    ledger = new EnergyLedger<>(meter, settings, cpu, System::nanoTime, StepEnergy.ACCOUNTS);
    reader = Thread.ofPlatform().daemon().name("tritium-energy").start(this::readNowAndThen);
  }

  /**
   * Begins to count, if that is wanted.
   *
   * @throws IllegalArgumentException if the source that is asked for cannot be read
   */
  static Optional<EnergyMetering> start(EnergyConfig config) {
    return settings(config).map(EnergyMetering::new);
  }

  /**
   * The settings as they are configured; empty if energy is not to be counted.
   *
   * @throws IllegalArgumentException naming what cannot be meant
   */
  static Optional<EnergySettings> settings(EnergyConfig config) {
    if (config.source().equals(OFF)) {
      return Optional.empty();
    }
    return Optional.of(
        EnergySettings.of(
            config.source(),
            Path.of(config.powercap()),
            Path.of(config.hwmon()),
            new Given(config.idleWatts(), config.maxWatts()),
            new Given(config.low().idleWatts(), config.low().maxWatts()),
            new Given(config.high().idleWatts(), config.high().maxWatts()),
            SystemCpu.countHostCpus()));
  }

  /** What the joules in answers rest on. */
  EnergyLabel label() {
    return new EnergyLabel(meter.source(), meter.quality().label());
  }

  EnergyMeter meter() {
    return meter;
  }

  MeterErrors errors() {
    return errors;
  }

  EnergyLedger<RequestAccount> ledger() {
    return ledger;
  }

  private void readNowAndThen() {
    try {
      while (true) {
        Thread.sleep(meter.longestPause());
        ledger.refresh();
      }
    } catch (InterruptedException e) {
      // closed
    }
  }

  @Override
  public void close() {
    reader.interrupt();
  }
}
