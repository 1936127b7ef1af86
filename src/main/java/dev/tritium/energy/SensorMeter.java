package dev.tritium.energy;

import static java.lang.System.Logger.Level.WARNING;

import dev.tritium.energy.NumberFile.BadReading;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Adds up sensors of the hardware. */
final class SensorMeter implements EnergyMeter {
  /** A meter whose sensors are being looked for. */
  static final class Opening {
    private final String source;
    private final MeterErrors errors;
    private final long nanos;
    private final List<ZoneSensor> sensors = new ArrayList<>();
    private final Map<Path, MeterError> failures = new LinkedHashMap<>();

    Opening(String source, MeterErrors errors, long nanos) {
      this.source = source;
      this.errors = errors;
      this.nanos = nanos;
    }

    /** Adds a sensor if it can be read. */
    void add(ZoneSensor sensor) {
      try {
        sensor.begin(nanos);
        sensors.add(sensor);
      } catch (BadReading e) {
        failures.put(sensor.path(), e.reason());
        errors.count(e.reason());
      }
    }

    /**
     * The meter of those that can be read; a warning names the others.
     *
     * @param whyNone what is wrong where no sensor was found at all
     * @throws NoMeterException if none can be read
     */
    EnergyMeter open(String whyNone) throws NoMeterException {
      String others =
          failures.entrySet().stream()
              .map(failure -> failure.getKey() + ": " + failure.getValue().words())
              .collect(Collectors.joining(", "));
      if (sensors.isEmpty()) {
        throw new NoMeterException(others.isEmpty() ? whyNone : others);
      }
      if (!others.isEmpty()) {
        LOG.log(
            WARNING, "energy counters that cannot be read are missing in all figures: {0}", others);
      }
      return new SensorMeter(source, List.copyOf(sensors));
    }
  }

  private static final System.Logger LOG = System.getLogger(SensorMeter.class.getName());

  private final String source;
  private final List<ZoneSensor> sensors;
  private final List<EnergyZone> zones;

  /** A meter of sensors that count already; several may share a zone. */
  private SensorMeter(String source, List<ZoneSensor> sensors) {
    this.source = source;
    this.sensors = sensors;
    this.zones = sensors.stream().map(ZoneSensor::zone).distinct().toList();
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public Quality quality() {
    return Quality.MEASURED;
  }

  @Override
  public List<EnergyZone> zones() {
    return zones;
  }

  @Override
  public Reading read(long nanos, double utilisation) {
    double sum = 0;
    boolean complete = true;
    for (ZoneSensor sensor : sensors) {
      double joules = sensor.read(nanos);
      if (Double.isNaN(joules)) {
        complete = false;
      } else {
        sum += joules;
      }
    }
    return new Reading(sum, complete);
  }
}
