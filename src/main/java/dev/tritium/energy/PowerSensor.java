package dev.tritium.energy;

import dev.tritium.energy.NumberFile.BadReading;

/** A sensor of microwatts; between two readings the power is taken to change evenly. */
final class PowerSensor extends ZoneSensor {
  PowerSensor(EnergyZone zone, NumberFile file, MeterErrors errors) {
    super(zone, file, errors);
  }

  @Override
  double joules(long before, long now, double seconds) throws BadReading {
    double watts = (before / 1e6 + now / 1e6) / 2;
    if (watts > MOST_WATTS) {
      throw new BadReading(MeterError.IMPLAUSIBLE);
    }
    return watts * seconds;
  }
}
