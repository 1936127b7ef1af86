package dev.tritium.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.tritium.energy.EnergyMeter.Reading;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sensors of processors, on trees as the kernel has them. */
class HwmonMeterTest {
  private static final long SECOND = 1_000_000_000;

  @TempDir Path folder;

  private final MeterErrors errors = new MeterErrors();

  private EnergyMeter open() throws NoMeterException {
    Watts watts = new Watts(1, 2);
    return HwmonMeter.open(
        new EnergySettings("hwmon", folder, folder, watts, watts, watts, OptionalDouble.empty()),
        errors,
        0);
  }

  /** Writes a file, such as {@code hwmon0/name}. */
  private void put(String path, Object text) {
    try {
      Path file = folder.resolve(path);
      Files.createDirectories(file.getParent());
      Files.writeString(file, text + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> names(EnergyMeter meter) {
    return meter.zones().stream().map(EnergyZone::name).toList();
  }

  @Test
  void socketsOfAmdAreCountersAndTheirCoresAreParts() throws NoMeterException {
    put("hwmon3/name", "amd_energy");
    put("hwmon3/energy1_label", "Ecore000");
    put("hwmon3/energy1_input", 5);
    for (int socket = 0; socket < 2; socket++) {
      put("hwmon3/energy" + (socket + 2) + "_label", "Esocket" + socket);
      put("hwmon3/energy" + (socket + 2) + "_input", 1_000_000);
    }
    EnergyMeter meter = open();
    assertEquals(List.of("package-0", "package-1"), names(meter));
    assertEquals("hwmon", meter.source());
    assertEquals(Quality.MEASURED, meter.quality());
    put("hwmon3/energy2_input", 11_000_000);
    put("hwmon3/energy3_input", 1_500_000);
    assertEquals(new Reading(10.5, true), meter.read(SECOND, 0));
    put("hwmon3/energy2_input", 0);
    assertEquals(new Reading(0, false), meter.read(2 * SECOND, 0));
    assertEquals(1, errors.of(MeterError.NO_RANGE));
  }

  @Test
  void socketsOfGraceAreSensorsOfPower() throws NoMeterException {
    String[] meanings = {
      "Module Power Socket 0", "Grace Power Socket 0", "CPU Power Socket 0", "Grace Power Socket 1"
    };
    for (int h = 0; h < meanings.length; h++) {
      put("hwmon" + h + "/name", "power_meter");
      put("hwmon" + h + "/device/power1_oem_info", meanings[h]);
      put("hwmon" + h + "/device/power1_average", 100_000_000);
    }
    EnergyMeter meter = open();
    assertEquals(List.of("package-0", "package-1"), names(meter));
    put("hwmon1/device/power1_average", 200_000_000);
    Reading reading = meter.read(2 * SECOND, 0);
    assertEquals(300 + 200, reading.joules(), 1e-9, "150 W and 100 W for 2 s");
    assertEquals(300, meter.zones().getFirst().joules(), 1e-9);
  }

  @Test
  void coresAndTheRestOfAnAltraAreOnePackageAndItsMemoryIsAnother() throws NoMeterException {
    List<String> meanings =
        List.of(
            "power1 CORE VRD",
            "power2 SoC",
            "power3 DIMM VRD1",
            "power4 DIMM VRD2",
            "power5 RCA VRD");
    for (int chip = 0; chip < 2; chip++) {
      put("hwmon" + chip + "/name", "smpro_hwmon");
      for (int p = 1; p <= meanings.size(); p++) {
        put("hwmon" + chip + "/power" + p + "_label", meanings.get(p - 1));
        put("hwmon" + chip + "/power" + p + "_input", p * 10_000_000);
      }
    }
    EnergyMeter meter = open();
    assertEquals(List.of("package-0", "dram-0", "package-1", "dram-1"), names(meter));
    meter.read(SECOND, 0);
    assertEquals(10 + 20, meter.zones().get(0).joules(), 1e-9);
    assertEquals(30 + 40, meter.zones().get(3).joules(), 1e-9);
  }

  @Test
  void powerThatNoHardwareDrawsCountsNothing() throws NoMeterException {
    put("hwmon0/name", "apm_xgene");
    put("hwmon0/power1_label", "CPU power");
    put("hwmon0/power1_input", 30_000_000);
    EnergyMeter meter = open();
    put("hwmon0/power1_input", Long.MAX_VALUE);
    assertEquals(new Reading(0, false), meter.read(SECOND, 0));
    assertEquals(1, errors.of(MeterError.IMPLAUSIBLE));
  }

  @Test
  void whatIsNoProcessorIsNoMeter() {
    put("hwmon0/name", "amdgpu");
    put("hwmon0/power1_label", "PPT");
    put("hwmon0/power1_average", 9_000_000);
    put("hwmon1/name", "power_meter"); // the whole machine, at its supply
    put("hwmon1/power1_average", 9_000_000);
    put("hwmon2/name", "i915");
    put("hwmon2/energy1_input", 9_000_000);
    put("hwmon3/temp1_input", 40_000);
    NoMeterException none = assertThrows(NoMeterException.class, this::open);
    assertEquals("there is no sensor of a processor in " + folder, none.getMessage());
  }

  @Test
  void aSensorThatCannotBeReadIsNamed() {
    put("hwmon0/name", "zenergy");
    put("hwmon0/energy1_label", "Esocket0");
    put("hwmon0/energy1_input", "N/A");
    NoMeterException none = assertThrows(NoMeterException.class, this::open);
    assertEquals(folder.resolve("hwmon0/energy1_input") + ": garbage", none.getMessage());
    assertEquals(1, errors.of(MeterError.GARBAGE));
  }
}
