package dev.tritium.energy;

import java.nio.file.Path;
import java.util.OptionalDouble;

/**
 * How energy is to be found out, after every check.
 *
 * @param source a source's name, or {@link MeterChooser#AUTO}
 * @param powercap folder of the kernel's power capping framework
 * @param hwmon folder of the kernel's hardware monitoring
 * @param watts of the host, for an estimate
 * @param low bound of these
 * @param high bound of these
 * @param idleWatts the host's, if somebody set them
 */
public record EnergySettings(
    String source,
    Path powercap,
    Path hwmon,
    Watts watts,
    Watts low,
    Watts high,
    OptionalDouble idleWatts) {
  public static final String POWERCAP = "/sys/devices/virtual/powercap";
  public static final String HWMON = "/sys/class/hwmon";

  private static final String PREFIX = "tritium.energy.";
  private static final double MOST_WATTS = 100_000;

  /** Watts as far as somebody set them. */
  public record Given(OptionalDouble idle, OptionalDouble max) {
    public static final Given NOTHING = new Given(OptionalDouble.empty(), OptionalDouble.empty());

    private Watts or(Watts others) {
      return new Watts(idle.orElse(others.idle()), max.orElse(others.max()));
    }

    private boolean isEmpty() {
      return idle.isEmpty() && max.isEmpty();
    }
  }

  /**
   * Fills in what was not set: published watts per CPU; as bounds of watts that were set, the same.
   *
   * @param hostCpus logical CPUs of the host
   * @throws IllegalArgumentException naming the setting that cannot be meant
   */
  public static EnergySettings of(
      String source, Path powercap, Path hwmon, Given watts, Given low, Given high, int hostCpus) {
    MeterChooser.requireKnown(source);
    Watts typical = watts.or(Watts.typical(hostCpus));
    Watts lowest = low.or(watts.isEmpty() ? Watts.lowest(hostCpus) : typical);
    Watts highest = high.or(watts.isEmpty() ? Watts.highest(hostCpus) : typical);
    check("", typical, hostCpus);
    check("low.", lowest, hostCpus);
    check("high.", highest, hostCpus);
    requireInOrder("idle-watts", lowest.idle(), typical.idle(), highest.idle());
    requireInOrder("max-watts", lowest.max(), typical.max(), highest.max());
    return new EnergySettings(source, powercap, hwmon, typical, lowest, highest, watts.idle());
  }

  private static void check(String group, Watts watts, int hostCpus) {
    String idle = PREFIX + group + "idle-watts";
    String max = PREFIX + group + "max-watts";
    requireInRange(idle, watts.idle());
    requireInRange(max, watts.max());
    if (watts.idle() > watts.max()) {
      throw new IllegalArgumentException(
          "%s must be at most %s, found %s and %s for a host of %d CPUs: set both"
              .formatted(idle, max, watts.idle(), watts.max(), hostCpus));
    }
  }

  private static void requireInRange(String name, double found) {
    if (!(found >= 0 && found <= MOST_WATTS)) { // NaN too
      throw new IllegalArgumentException(
          "%s must be from 0 to %,.0f, the watts of the whole host, found %s"
              .formatted(name, MOST_WATTS, found));
    }
  }

  private static void requireInOrder(String name, double low, double typical, double high) {
    if (low > typical || typical > high) {
      throw new IllegalArgumentException(
          "%1$s%2$s must be from %1$slow.%2$s to %1$shigh.%2$s, found %3$s, %4$s and %5$s"
              .formatted(PREFIX, name, typical, low, high));
    }
  }
}
