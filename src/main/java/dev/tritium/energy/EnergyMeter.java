package dev.tritium.energy;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Knows what the host uses. One caller at a time. */
public interface EnergyMeter {
  /**
   * What a reading found.
   *
   * @param joules used by all zones since the last reading; those that cannot be read count as 0
   * @param complete whether all of it is known
   */
  record Reading(double joules, boolean complete) {}

  /**
   * Watts between which the truth should lie.
   *
   * @param low those of the thriftiest machine it could be
   * @param high those of the hungriest
   */
  record Bounds(Watts low, Watts high) {}

  /** The source's name in settings, metrics and answers. */
  String source();

  Quality quality();

  /** The parts of the host that it knows; always the same ones. */
  List<EnergyZone> zones();

  /**
   * Finds out what was used since the last call, or since the meter was opened.
   *
   * @param nanos the time now, on the clock the meter was opened with
   * @param utilisation of the host's CPUs since then, from 0 to 1: what an estimate is made of
   */
  Reading read(long nanos, double utilisation);

  /**
   * How long it may go unread: a counter of 32 bits would go round unseen, and a sensor of power
   * knows no past.
   */
  default Duration longestPause() {
    return Duration.ofSeconds(5);
  }

  /** How far off an estimate may be. */
  default Optional<Bounds> bounds() {
    return Optional.empty();
  }
}
