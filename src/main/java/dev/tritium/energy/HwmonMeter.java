package dev.tritium.energy;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Energy and power of processors as the kernel's hardware monitoring has them
 * (Documentation/hwmon). Most chips there are something else, graphics or a whole machine with its
 * fans, so only what is known to be a processor is read.
 */
final class HwmonMeter {
  static final String SOURCE = "hwmon";

  /**
   * A kind of sensor.
   *
   * @param chip what the file {@code name} of its folder says
   * @param files its files: energy in microjoules or power in microwatts
   * @param label ends the name of the file that says what is measured, in the place of what ends
   *     the other
   * @param meaning what that says; a group is the socket, else the folder's place is
   * @param zone the zone's name without the socket
   */
  private record Sensor(String chip, String files, String label, Pattern meaning, String zone) {
    static Sensor of(String chip, String files, String label, String meaning, String zone) {
      return new Sensor(chip, files, label, Pattern.compile(meaning), zone);
    }
  }

  private static final String ENERGY = "energy*_input";
  private static final String POWER = "power*_input";
  private static final List<Sensor> SENSORS =
      List.of(
          // AMD's RAPL counters; the first was in Linux 5.8 to 5.12, the second is a module apart.
          Sensor.of("amd_energy", ENERGY, "_label", "Esocket(\\d+)", "package"),
          Sensor.of("zenergy", ENERGY, "_label", "Esocket(\\d+)", "package"),
          // NVIDIA Grace: the socket's sum; CPU and SysIO are parts of it.
          Sensor.of(
              "power_meter", "power*_average", "_oem_info", "Grace Power Socket (\\d+)", "package"),
          // Ampere Altra and its ancestor: cores, the rest of the chip, memory.
          Sensor.of("smpro_hwmon", POWER, "_label", "power\\d+ (?:CORE VRD|SoC)", "package"),
          Sensor.of("smpro_hwmon", POWER, "_label", "power\\d+ DIMM VRD\\d", "dram"),
          Sensor.of("apm_xgene", POWER, "_label", "(?:CPU|IO) power", "package"));

  private final MeterErrors errors;
  private final SensorMeter.Opening found;
  private final Map<String, Integer> chips = new HashMap<>(); // folders of each so far
  private final Map<String, EnergyZone> zones = new HashMap<>();

  private HwmonMeter(MeterErrors errors, long nanos) {
    this.errors = errors;
    this.found = new SensorMeter.Opening(SOURCE, errors, nanos);
  }

  /**
   * Begins to read every processor's sensor.
   *
   * @throws NoMeterException if there is none to read
   */
  static EnergyMeter open(EnergySettings settings, MeterErrors errors, long nanos)
      throws NoMeterException {
    HwmonMeter meter = new HwmonMeter(errors, nanos);
    Sysfs.entries(settings.hwmon(), "hwmon*").forEach(meter::addChip);
    return meter.found.open("there is no sensor of a processor in " + settings.hwmon());
  }

  private void addChip(Path folder) {
    String chip = Sysfs.text(folder.resolve("name"));
    int place = chips.merge(chip, 1, Integer::sum) - 1;
    for (Sensor sensor : SENSORS) {
      if (sensor.chip.equals(chip)) {
        Sysfs.entries(folder, sensor.files).forEach(file -> add(sensor, file, place));
        Path device = folder.resolve("device"); // where older drivers have them
        Sysfs.entries(device, sensor.files).forEach(file -> add(sensor, file, place));
      }
    }
  }

  private void add(Sensor kind, Path path, int place) {
    String name = String.valueOf(path.getFileName());
    Path label = path.resolveSibling(name.substring(0, name.indexOf('_')) + kind.label);
    Matcher meaning = kind.meaning.matcher(Sysfs.text(label));
    if (!meaning.matches()) {
      return;
    }
    String socket = meaning.groupCount() == 0 ? String.valueOf(place) : meaning.group(1);
    EnergyZone zone = zones.computeIfAbsent(kind.zone + "-" + socket, EnergyZone::new);
    NumberFile file = new NumberFile(path);
    found.add(
        name.startsWith("energy")
            ? new EnergyCounter(zone, file, OptionalLong.empty(), errors)
            : new PowerSensor(zone, file, errors));
  }
}
