package dev.tritium.energy;

import dev.tritium.energy.NumberFile.BadReading;
import java.util.OptionalLong;

/** A counter of microjoules, which begins again at 0 after its greatest value. */
final class EnergyCounter extends ZoneSensor {
  /**
   * Counters move in jumps of a millisecond's energy, so a short time can see more than its own.
   */
  private static final double JUMP_SECONDS = 0.01;

  private final OptionalLong range;

  /**
   * A counter.
   *
   * @param range its greatest value; missing where it never begins again, or none is known
   */
  EnergyCounter(EnergyZone zone, NumberFile file, OptionalLong range, MeterErrors errors) {
    super(zone, file, errors);
    this.range = range;
  }

  @Override
  double joules(long before, long now, double seconds) throws BadReading {
    long used = now - before;
    if (used < 0) {
      used += range.orElseThrow(() -> new BadReading(MeterError.NO_RANGE));
    }
    double joules = used / 1e6;
    if (joules < 0 || joules > MOST_WATTS * (seconds + JUMP_SECONDS)) {
      throw new BadReading(MeterError.IMPLAUSIBLE);
    }
    return joules;
  }
}
