package dev.tritium.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.energy.EnergyMeter.Reading;
import dev.tritium.energy.EnergySettings.Given;
import dev.tritium.testing.PowercapTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MeterChooserTest {
  @TempDir Path powercap;
  @TempDir Path hwmon;

  private EnergyMeter choose(String source) {
    EnergySettings settings =
        EnergySettings.of(source, powercap, hwmon, Given.NOTHING, Given.NOTHING, Given.NOTHING, 2);
    return MeterChooser.choose(settings, new MeterErrors(), 0);
  }

  private void addHwmon() throws IOException {
    Files.createDirectory(hwmon.resolve("hwmon0"));
    Files.writeString(hwmon.resolve("hwmon0/name"), "zenergy\n");
    Files.writeString(hwmon.resolve("hwmon0/energy1_label"), "Esocket0\n");
    Files.writeString(hwmon.resolve("hwmon0/energy1_input"), "7\n");
  }

  @Test
  void theBestSourceThatCanBeReadIsTaken() throws IOException {
    assertEquals("estimate", choose("auto").source());
    addHwmon();
    assertEquals("hwmon", choose("auto").source());
    new PowercapTree(powercap).zone("intel-rapl/intel-rapl:0", "package-0");
    assertEquals("rapl", choose("auto").source());
  }

  @Test
  void theSourceThatIsAskedForIsTakenThoughThereAreBetterOnes() throws IOException {
    addHwmon();
    new PowercapTree(powercap).zone("intel-rapl/intel-rapl:0", "package-0");
    assertEquals("hwmon", choose("hwmon").source());
    EnergyMeter estimate = choose("estimate");
    assertEquals("estimate", estimate.source());
    assertEquals(Quality.ESTIMATED, estimate.quality());
  }

  @Test
  void aSourceThatIsAskedForAndIsNotThereSaysWhy() {
    Exception refusal = assertThrows(IllegalArgumentException.class, () -> choose("rapl"));
    String message = String.valueOf(refusal.getMessage());
    assertTrue(
        message.startsWith("tritium.energy.source: no rapl: there is no package in " + powercap),
        message);
    assertTrue(message.contains("docs/energy.md"), message);
  }

  @Test
  void anEstimateIsIdlePowerAndTheRestByUtilisation() {
    EnergyMeter meter = choose("estimate");
    assertEquals("host", meter.zones().getFirst().name());
    Watts watts = new Watts(2 * 0.74, 2 * 3.5);
    assertReading(10 * watts.idle(), meter.read(10_000_000_000L, 0));
    assertReading(watts.max(), meter.read(11_000_000_000L, 1));
    assertReading((watts.idle() + watts.max()) / 2 / 2, meter.read(11_500_000_000L, 0.5));
    assertEquals(
        10 * watts.idle() + watts.max() + (watts.idle() + watts.max()) / 4,
        meter.zones().getFirst().joules(),
        1e-9);
  }

  private static void assertReading(double joules, Reading found) {
    assertTrue(found.complete());
    assertEquals(joules, found.joules(), 1e-9);
  }
}
