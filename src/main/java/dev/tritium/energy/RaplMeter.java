package dev.tritium.energy;

import dev.tritium.energy.NumberFile.BadReading;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/**
 * RAPL's energy counters of processors and their memory, on Intel and AMD, as the kernel's power
 * capping framework has them (Documentation/power/powercap/powercap.rst):
 *
 * <pre>
 * intel-rapl/intel-rapl:0      name package-0, energy_uj, max_energy_range_uj
 *            intel-rapl:0:0    name core: a part of the package
 *            intel-rapl:0:1    name dram: not a part of it
 *            intel-rapl:1      name psys: the platform, packages included
 * intel-rapl-mmio/             the same counters once more
 * </pre>
 */
final class RaplMeter {
  static final String SOURCE = "rapl";
  private static final String PACKAGE = "package";
  private static final String DRAM = "dram";

  private RaplMeter() {}

  /**
   * Begins to read every package and its memory.
   *
   * @throws NoMeterException if there is none to read
   */
  static EnergyMeter open(EnergySettings settings, MeterErrors errors, long nanos)
      throws NoMeterException {
    Path root = settings.powercap().resolve("intel-rapl");
    SensorMeter.Opening found = new SensorMeter.Opening(SOURCE, errors, nanos);
    for (Path zone : zones(root)) {
      String name = name(zone);
      if (name.startsWith(PACKAGE)) {
        found.add(counter(name, zone, errors));
        for (Path part : zones(zone)) {
          if (name(part).equals(DRAM)) {
            found.add(counter(name.replace(PACKAGE, DRAM), part, errors));
          }
        }
      }
    }
    return found.open("there is no package in " + root);
  }

  private static EnergyCounter counter(String name, Path folder, MeterErrors errors) {
    NumberFile file = new NumberFile(folder.resolve("energy_uj"));
    return new EnergyCounter(new EnergyZone(name), file, range(folder), errors);
  }

  private static OptionalLong range(Path folder) {
    NumberFile file = new NumberFile(folder.resolve("max_energy_range_uj"));
    try {
      return OptionalLong.of(file.read());
    } catch (BadReading e) { // needed when the counter begins again, if ever
      return OptionalLong.empty();
    }
  }

  /** The zones right in a folder. */
  private static List<Path> zones(Path folder) {
    return Sysfs.entries(folder, "intel-rapl:*");
  }

  private static String name(Path zone) {
    return Sysfs.text(zone.resolve("name"));
  }
}
