package dev.tritium.energy;

import dev.tritium.energy.NumberFile.BadReading;
import java.nio.file.Path;

/** Reads a file of the kernel's, and adds what it says to a zone. */
abstract sealed class ZoneSensor permits EnergyCounter, PowerSensor {
  /** Twice what the largest processor draws at its worst. */
  static final double MOST_WATTS = 2_000;

  private final EnergyZone zone;
  private final NumberFile file;
  private final MeterErrors errors;
  private boolean hasLast;
  private long last;
  private long lastNanos;

  ZoneSensor(EnergyZone zone, NumberFile file, MeterErrors errors) {
    this.zone = zone;
    this.file = file;
    this.errors = errors;
  }

  EnergyZone zone() {
    return zone;
  }

  Path path() {
    return file.path();
  }

  /**
   * Begins to count.
   *
   * @throws BadReading if the file cannot be read now
   */
  void begin(long nanos) throws BadReading {
    last = file.read();
    lastNanos = nanos;
    hasLast = true;
  }

  /**
   * Adds what was used since the last reading, or nothing where that is not known: from a reading
   * that fails on, the next that does not is a new beginning.
   *
   * @return the joules, or NaN where they are not known
   */
  double read(long nanos) {
    boolean known = hasLast;
    long before = last;
    double seconds = (nanos - lastNanos) / 1e9;
    hasLast = false;
    try {
      begin(nanos);
      if (!known) {
        return Double.NaN;
      }
      double joules = joules(before, last, seconds);
      zone.add(joules);
      return joules;
    } catch (BadReading e) {
      errors.add(e.reason(), file.path());
      return Double.NaN;
    }
  }

  /**
   * What two readings mean.
   *
   * @throws BadReading if they cannot mean anything
   */
  abstract double joules(long before, long now, double seconds) throws BadReading;
}
