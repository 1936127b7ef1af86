package dev.tritium.energy;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Reckons from the CPUs' utilisation and from watts that were set or published. */
final class EstimateMeter implements EnergyMeter {
  static final String SOURCE = "estimate";

  private final Watts watts;
  private final Bounds bounds;
  private final EnergyZone host = new EnergyZone("host");
  private long lastNanos;

  private EstimateMeter(Watts watts, Bounds bounds, long nanos) {
    this.watts = watts;
    this.bounds = bounds;
    this.lastNanos = nanos;
  }

  /** Begins to reckon, which always can be done. */
  static EnergyMeter open(EnergySettings settings, MeterErrors errors, long nanos) {
    return new EstimateMeter(settings.watts(), new Bounds(settings.low(), settings.high()), nanos);
  }

  @Override
  public String source() {
    return SOURCE;
  }

  @Override
  public Quality quality() {
    return Quality.ESTIMATED;
  }

  @Override
  public List<EnergyZone> zones() {
    return List.of(host);
  }

  @Override
  public Reading read(long nanos, double utilisation) {
    double joules = watts.joules((nanos - lastNanos) / 1e9, utilisation);
    lastNanos = nanos;
    host.add(joules);
    return new Reading(joules, true);
  }

  /** CPU times lose nothing, and an idle server should sleep. */
  @Override
  public Duration longestPause() {
    return Duration.ofMinutes(1);
  }

  @Override
  public Optional<Bounds> bounds() {
    return Optional.of(bounds);
  }
}
