package dev.tritium.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.energy.EnergySettings.Given;
import java.nio.file.Path;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** Watts that were set, and those that are taken where none were. */
class EnergySettingsTest {
  private static final Path NOWHERE = Path.of("no/such/folder");

  private static Given watts(double idle, double max) {
    return new Given(OptionalDouble.of(idle), OptionalDouble.of(max));
  }

  private static EnergySettings settings(Given watts, Given low, Given high) {
    return EnergySettings.of("auto", NOWHERE, NOWHERE, watts, low, high, 4);
  }

  private static void assertWatts(double idle, double max, Watts found) {
    assertEquals(idle, found.idle(), 1e-9);
    assertEquals(max, found.max(), 1e-9);
  }

  private static void assertRefused(String message, Given watts, Given low, Given high) {
    Exception refusal =
        assertThrows(IllegalArgumentException.class, () -> settings(watts, low, high));
    assertEquals(message, refusal.getMessage());
  }

  @Test
  void nothingThatIsSetMeansPublishedWattsPerCpu() {
    EnergySettings settings = settings(Given.NOTHING, Given.NOTHING, Given.NOTHING);
    assertWatts(4 * 0.74, 4 * 3.5, settings.watts());
    assertWatts(4 * 0.45, 4 * 1.69, settings.low());
    assertWatts(4 * 1.14, 4 * 5.42, settings.high());
    assertTrue(settings.idleWatts().isEmpty());
  }

  @Test
  void wattsThatAreSetAreTheirOwnBoundsUnlessThoseAreSetToo() {
    EnergySettings exact = settings(watts(40, 200), Given.NOTHING, Given.NOTHING);
    assertEquals(exact.watts(), exact.low());
    assertEquals(exact.watts(), exact.high());
    assertEquals(OptionalDouble.of(40), exact.idleWatts());
    EnergySettings bounded = settings(watts(40, 200), watts(30, 180), watts(50, 220));
    assertWatts(30, 180, bounded.low());
    assertWatts(50, 220, bounded.high());
  }

  @Test
  void wattsThatCannotBeMeantAreNamed() {
    assertRefused(
        "tritium.energy.idle-watts must be from 0 to 100,000, the watts of the whole host, found -1.0",
        watts(-1, 5),
        Given.NOTHING,
        Given.NOTHING);
    assertRefused(
        "tritium.energy.max-watts must be from 0 to 100,000, the watts of the whole host, found NaN",
        watts(1, Double.NaN),
        Given.NOTHING,
        Given.NOTHING);
    assertRefused(
        "tritium.energy.high.max-watts must be from 0 to 100,000, the watts of the whole host, found 1.0E9",
        watts(1, 5),
        Given.NOTHING,
        watts(1, 1e9));
    assertRefused(
        "tritium.energy.idle-watts must be at most tritium.energy.max-watts,"
            + " found 60.0 and 14.0 for a host of 4 CPUs: set both",
        new Given(OptionalDouble.of(60), OptionalDouble.empty()),
        Given.NOTHING,
        Given.NOTHING);
    assertRefused(
        "tritium.energy.max-watts must be from tritium.energy.low.max-watts to"
            + " tritium.energy.high.max-watts, found 5.0, 6.0 and 5.0",
        watts(1, 5),
        watts(1, 6),
        Given.NOTHING);
  }

  @Test
  void aSourceThatDoesNotExistIsRefusedByNamingThoseThatDo() {
    Exception refusal =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                EnergySettings.of(
                    "solar", NOWHERE, NOWHERE, Given.NOTHING, Given.NOTHING, Given.NOTHING, 4));
    assertEquals(
        "tritium.energy.source must be one of auto, off, rapl, hwmon, estimate; found solar",
        refusal.getMessage());
  }
}
