package dev.tritium.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tritium.energy.EnergyMeter.Reading;
import dev.tritium.testing.PowercapTree;
import dev.tritium.testing.PowercapTree.Zone;
import dev.tritium.testing.Seeded;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** RAPL's counters, on trees as the kernel has them. */
class RaplMeterTest {
  private static final long JOULE = 1_000_000; // microjoules
  private static final long RANGE = 262_143_328_850L; // of most Intel packages
  private static final long TENTH = 100_000_000; // nanoseconds of a window

  @TempDir Path folder;

  private final MeterErrors errors = new MeterErrors();
  private long now;

  private static EnergySettings settings(Path powercap) {
    Watts watts = new Watts(1, 2);
    return new EnergySettings(
        RaplMeter.SOURCE, powercap, powercap, watts, watts, watts, OptionalDouble.empty());
  }

  private PowercapTree tree() {
    return new PowercapTree(folder);
  }

  private Zone socket(int number) {
    String path = "intel-rapl/intel-rapl:" + number;
    return tree().zone(path, "package-" + number).range(RANGE);
  }

  private EnergyMeter open() throws NoMeterException {
    return RaplMeter.open(settings(folder), errors, now);
  }

  /** Reads a tenth of a second later. */
  private Reading read(EnergyMeter meter) {
    now += TENTH;
    return meter.read(now, 0.5);
  }

  private Map<MeterError, Long> errorCounts() {
    Map<MeterError, Long> counts = new EnumMap<>(MeterError.class);
    for (MeterError error : MeterError.values()) {
      if (errors.of(error) > 0) {
        counts.put(error, errors.of(error));
      }
    }
    return counts;
  }

  private static List<String> names(EnergyMeter meter) {
    return meter.zones().stream().map(EnergyZone::name).toList();
  }

  private static double total(EnergyMeter meter) {
    return meter.zones().stream().mapToDouble(EnergyZone::joules).sum();
  }

  @Test
  void packagesAndTheirMemoryCountAndNothingElse() throws NoMeterException {
    Zone first = socket(0);
    Zone second = socket(1);
    PowercapTree tree = tree();
    Zone memory = tree.zone("intel-rapl/intel-rapl:0/intel-rapl:0:2", "dram").range(RANGE);
    Zone otherMemory = tree.zone("intel-rapl/intel-rapl:1/intel-rapl:1:0", "dram").range(RANGE);
    List<Zone> others =
        List.of(
            tree.zone("intel-rapl/intel-rapl:0/intel-rapl:0:0", "core"),
            tree.zone("intel-rapl/intel-rapl:0/intel-rapl:0:1", "uncore"),
            tree.zone("intel-rapl/intel-rapl:2", "psys"),
            tree.zone("intel-rapl-mmio/intel-rapl-mmio:0", "package-0"));
    EnergyMeter meter = open();
    assertEquals(List.of("package-0", "dram-0", "package-1", "dram-1"), names(meter));
    assertEquals("rapl", meter.source());
    assertEquals(Quality.MEASURED, meter.quality());
    first.energy(7 * JOULE);
    second.energy(5 * JOULE);
    memory.energy(2 * JOULE);
    otherMemory.energy(JOULE);
    others.forEach(zone -> zone.energy(50 * JOULE));
    assertEquals(new Reading(15, true), read(meter));
    assertEquals(
        List.of(7.0, 2.0, 5.0, 1.0), meter.zones().stream().map(EnergyZone::joules).toList());
    assertEquals(new Reading(0, true), read(meter));
    assertEquals(Map.of(), errorCounts());
  }

  @Test
  void theDiesOfOnePackageAreToldApart() throws NoMeterException {
    tree().zone("intel-rapl/intel-rapl:0", "package-0-die-0");
    tree().zone("intel-rapl/intel-rapl:0/intel-rapl:0:0", "dram");
    tree().zone("intel-rapl/intel-rapl:1", "package-0-die-1");
    assertEquals(List.of("package-0-die-0", "dram-0-die-0", "package-0-die-1"), names(open()));
  }

  @Test
  void aCounterThatGoesRoundIsFollowedByItsOwnRange() {
    Seeded.check(
        20,
        random -> {
          now = 0;
          long[] ranges = {random.nextLong(20 * JOULE, 40 * JOULE), RANGE};
          Zone[] sockets = {socket(0).range(ranges[0]), socket(1).range(ranges[1])};
          long[] counters = {random.nextLong(ranges[0]), RANGE - 100 * JOULE};
          for (int s = 0; s < 2; s++) {
            sockets[s].energy(counters[s]);
          }
          try {
            EnergyMeter meter = open();
            double used = 0;
            for (int reading = 0; reading < 100; reading++) {
              for (int s = 0; s < 2; s++) {
                long more = random.nextLong(15 * JOULE);
                used += more / 1e6;
                counters[s] += more;
                counters[s] -= counters[s] > ranges[s] ? ranges[s] : 0;
                sockets[s].energy(counters[s]);
              }
              assertTrue(read(meter).complete());
            }
            assertEquals(used, total(meter), 1e-6);
          } catch (NoMeterException e) {
            throw new AssertionError(e);
          }
        });
    assertEquals(Map.of(), errorCounts());
  }

  @Test
  void aResetCountsNothingAndIsANewBeginning() throws NoMeterException {
    Zone socket = socket(0).energy(100 * JOULE);
    EnergyMeter meter = open();
    socket.energy(110 * JOULE);
    assertEquals(new Reading(10, true), read(meter));
    socket.energy(JOULE); // by the range, 262,034 J in a tenth of a second
    assertEquals(new Reading(0, false), read(meter));
    assertEquals(Map.of(MeterError.IMPLAUSIBLE, 1L), errorCounts());
    socket.energy(4 * JOULE);
    assertEquals(new Reading(3, true), read(meter));
    assertEquals(13, total(meter), 1e-9);
  }

  @Test
  void aJumpThatNoHardwareMakesCountsNothing() throws NoMeterException {
    Zone socket = socket(0);
    EnergyMeter meter = open();
    socket.energy(1_000 * JOULE);
    assertEquals(new Reading(0, false), read(meter));
    assertEquals(Map.of(MeterError.IMPLAUSIBLE, 1L), errorCounts());
  }

  @Test
  void aJumpOfAMillisecondsEnergyCountsHoweverShortTheTime() throws NoMeterException {
    Zone socket = socket(0);
    EnergyMeter meter = open();
    socket.energy(JOULE / 2); // a millisecond of 500 W, seen a microsecond later
    assertEquals(new Reading(0.5, true), meter.read(now + 1_000, 1));
  }

  @Test
  void aFallWithoutAKnownRangeCountsNothing() throws NoMeterException {
    Zone socket = tree().zone("intel-rapl/intel-rapl:0", "package-0").energy(100 * JOULE);
    EnergyMeter meter = open();
    socket.energy(90 * JOULE);
    assertEquals(new Reading(0, false), read(meter));
    assertEquals(Map.of(MeterError.NO_RANGE, 1L), errorCounts());
    socket.energy(91 * JOULE);
    assertEquals(new Reading(1, true), read(meter));
  }

  @Test
  void garbageCountsNothingNorDoesWhatWasUsedMeanwhile() throws NoMeterException {
    Zone socket = socket(0);
    EnergyMeter meter = open();
    for (String garbage :
        List.of("", "\n", "12 34", "0x10", "-5", "99999999999999999999", "\0\1")) {
      socket.energy(garbage);
      assertEquals(new Reading(0, false), read(meter), garbage);
    }
    assertEquals(Map.of(MeterError.GARBAGE, 7L), errorCounts());
    socket.energy(5 * JOULE);
    assertEquals(new Reading(0, false), read(meter), "since when, nobody knows");
    socket.energy(6 * JOULE);
    assertEquals(new Reading(1, true), read(meter));
    assertEquals(Map.of(MeterError.GARBAGE, 7L), errorCounts());
  }

  @Test
  void aSocketThatVanishesLeavesTheOtherAlone() throws NoMeterException {
    Zone first = socket(0);
    Zone second = socket(1);
    EnergyMeter meter = open();
    first.energy(3 * JOULE);
    read(meter);
    first.remove();
    second.energy(JOULE);
    assertEquals(new Reading(1, false), read(meter));
    second.energy(3 * JOULE);
    assertEquals(new Reading(2, false), read(meter));
    assertEquals(Map.of(MeterError.VANISHED, 2L), errorCounts());
    assertEquals(6, total(meter), 1e-9);
    socket(0).energy(0);
    read(meter);
    first.energy(2 * JOULE);
    assertEquals(new Reading(2, true), read(meter), "it came back");
    assertEquals(8, total(meter), 1e-9);
  }

  @Test
  void aCounterThatCannotBeReadAnyMoreSaysWhy() throws IOException, NoMeterException {
    Zone socket = socket(0).energy(JOULE);
    EnergyMeter meter = open();
    Files.delete(socket.energyFile());
    Files.createDirectory(socket.energyFile());
    assertEquals(new Reading(0, false), read(meter));
    assertEquals(Map.of(MeterError.UNREADABLE, 1L), errorCounts());
  }

  @Test
  void aRefusalIsAReasonOfItsOwn() throws IOException, NoMeterException {
    assertEquals(
        MeterError.PERMISSION_DENIED,
        new NumberFile.BadReading(new AccessDeniedException("energy_uj")).reason());
    Zone socket = socket(0);
    EnergyMeter meter = open();
    Files.setPosixFilePermissions(
        socket.energyFile(), PosixFilePermissions.fromString("---------"));
    boolean root = Files.isReadable(socket.energyFile());
    assertEquals(root, read(meter).complete(), "nothing is refused to root");
    assertEquals(root ? Map.of() : Map.of(MeterError.PERMISSION_DENIED, 1L), errorCounts());
  }

  @Test
  void aSocketThatCannotBeReadAtTheStartIsLeftOut() throws IOException, NoMeterException {
    Zone first = socket(0);
    socket(1);
    Files.delete(first.energyFile());
    Files.createDirectory(first.energyFile());
    assertEquals(List.of("package-1"), names(open()));
    assertEquals(Map.of(MeterError.UNREADABLE, 1L), errorCounts());
  }

  @Test
  void withoutAReadablePackageThereIsNoMeter() throws IOException {
    NoMeterException none = assertThrows(NoMeterException.class, this::open);
    assertEquals("there is no package in " + folder.resolve("intel-rapl"), none.getMessage());
    tree().zone("intel-rapl/intel-rapl:0", "psys");
    assertThrows(NoMeterException.class, this::open);
    Zone socket = socket(1);
    Files.delete(socket.energyFile());
    NoMeterException unreadable = assertThrows(NoMeterException.class, this::open);
    assertEquals(socket.energyFile() + ": vanished", unreadable.getMessage());
  }

  /** On a machine that has them, and a user who may read them. */
  @Test
  void readsThisMachinesCounters() throws InterruptedException, NoMeterException {
    Path counter = Path.of(EnergySettings.POWERCAP, "intel-rapl/intel-rapl:0/energy_uj");
    assumeTrue(
        Files.isReadable(counter),
        counter + " cannot be read: it takes bare metal with RAPL, and root");
    EnergyMeter meter =
        RaplMeter.open(settings(Path.of(EnergySettings.POWERCAP)), errors, System.nanoTime());
    assertFalse(meter.zones().isEmpty());
    Thread.sleep(200);
    Reading reading = meter.read(System.nanoTime(), 0);
    assertTrue(reading.complete(), () -> errorCounts().toString());
    assertTrue(reading.joules() > 0, "a machine that is on draws power");
  }
}
