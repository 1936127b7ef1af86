package dev.tritium.energy;

import static java.lang.System.Logger.Level.INFO;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Picks the best source of energy figures that this machine has. */
public final class MeterChooser {
  /** The first source that can be read. */
  public static final String AUTO = "auto";

  private static final System.Logger LOG = System.getLogger(MeterChooser.class.getName());

  private interface Opener {
    EnergyMeter open(EnergySettings settings, MeterErrors errors, long nanos)
        throws NoMeterException;
  }

  private record Source(String name, Opener opener) {}

  /** All sources, best first; the last can always be had. */
  private static final List<Source> SOURCES =
      List.of(
          new Source(RaplMeter.SOURCE, RaplMeter::open),
          new Source(HwmonMeter.SOURCE, HwmonMeter::open),
          new Source(EstimateMeter.SOURCE, EstimateMeter::open));

  private MeterChooser() {}

  /**
   * Opens the source that is asked for, or the best one, and says in the log which and why.
   *
   * @param nanos the time now, on the clock that the meter is going to be read with
   * @throws IllegalArgumentException if the one that is asked for cannot be read
   */
  public static EnergyMeter choose(EnergySettings settings, MeterErrors errors, long nanos) {
    boolean any = settings.source().equals(AUTO);
    List<String> refusals = new ArrayList<>();
    for (Source source : SOURCES) {
      if (any || settings.source().equals(source.name)) {
        try {
          EnergyMeter meter = source.opener.open(settings, errors, nanos);
          tell(meter, settings, refusals);
          return meter;
        } catch (NoMeterException e) {
          refusals.add("no " + source.name + ": " + e.getMessage());
        }
      }
    }
    throw new IllegalArgumentException(
        "tritium.energy.source: %s; docs/energy.md says how to mend that"
            .formatted(String.join("; ", refusals)));
  }

  private static void tell(EnergyMeter meter, EnergySettings settings, List<String> refusals) {
    if (meter.quality() == Quality.MEASURED) {
      LOG.log(
          INFO,
          "energy is measured by {0}: {1}",
          meter.source(),
          meter.zones().stream().map(EnergyZone::name).collect(Collectors.joining(", ")));
    } else {
      LOG.log(
          INFO,
          "energy is estimated from CPU use, {0} W when idle to {1} W when busy for the host{2}",
          String.valueOf(settings.watts().idle()),
          String.valueOf(settings.watts().max()),
          refusals.isEmpty()
              ? ""
              : " (%s; docs/energy.md says how to mend that)"
                  .formatted(String.join("; ", refusals)));
    }
  }

  /**
   * Checks the name of a source.
   *
   * @throws IllegalArgumentException naming those that there are
   */
  static void requireKnown(String name) {
    List<String> names = SOURCES.stream().map(Source::name).toList();
    if (!name.equals(AUTO) && !names.contains(name)) {
      throw new IllegalArgumentException(
          "tritium.energy.source must be one of %s, off, %s; found %s"
              .formatted(AUTO, String.join(", ", names), name));
    }
  }
}
