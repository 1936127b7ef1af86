package dev.tritium.energy;

/** A part of the host whose energy is known, such as the processor in one socket. */
public final class EnergyZone {
  private final String name;
  private volatile double joules;

  EnergyZone(String name) {
    this.name = name;
  }

  public String name() {
    return name;
  }

  /** What it has used since the meter was opened; never falls. */
  public double joules() {
    return joules;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // a meter has one caller at a time
  void add(double used) {
    joules += used;
  }
}
