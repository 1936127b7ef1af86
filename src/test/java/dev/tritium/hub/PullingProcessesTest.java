package dev.tritium.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tritium.testing.Programs;
import dev.tritium.testing.Seeded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes that are killed, that work side by side, and whose disk is full. */
class PullingProcessesTest {
  private static final String WEIGHTS = "model.safetensors";
  private static final int KILLS = Seeded.cases(50);
  private static final long SEED = Long.getLong("test.seed", 20_261_130L);

  @TempDir private Path folder;
  private HubWorld world;

  @BeforeEach
  void open() throws IOException {
    world = new HubWorld(HubWorld.TINY, folder.resolve("home"));
  }

  @AfterEach
  void close() {
    world.close();
  }

  private Process child(String... prefix) throws IOException {
    return PullingChild.start(world.variables, prefix);
  }

  /** Runs a child that must succeed. */
  private void pullInChild() throws IOException {
    assertEquals("pulled", PullingChild.output(child()).strip());
  }

  /**
   * Half of the kills come after some bytes were sent, the others some time after a request:
   * between files, while they are hashed, moved, linked and noted.
   */
  @Test
  void killedAnywhereThePullGoesOn() throws Exception {
    SplittableRandom random = new SplittableRandom(SEED);
    int killed = 0;
    for (int i = 0; killed < KILLS; i++) {
      String run = "run %d of seed %d".formatted(i, SEED);
      assertTrue(i < 4 * KILLS, run + ": too few were killed in time");
      long before = Files.exists(world.partial(WEIGHTS)) ? Files.size(world.partial(WEIGHTS)) : 0;
      boolean blobWasThere = Files.exists(world.blob(WEIGHTS));
      world.hub.requests.clear();
      if (killOne(random)) {
        killed++;
      }
      world.assertNoneOrWhole();
      world.hub.downloads().stream()
          .filter(r -> r.file().equals(WEIGHTS))
          .findFirst()
          .ifPresent(
              first -> {
                assertFalse(blobWasThere, run + ": loaded although it was there");
                assertEquals(before, first.first(), run + ": did not go on where it stopped");
              });
      if (world.cache().find(HubWorld.ID).isPresent() && random.nextInt(3) == 0) {
        Removal.all(world.cache(), HubWorld.ID); // begin again
      }
    }
    pullInChild();
    world.assertWhole();
  }

  /** Whether the child was killed before its end. */
  private boolean killOne(SplittableRandom random) throws Exception {
    AtomicReference<Process> child = new AtomicReference<>();
    boolean byBytes = random.nextBoolean();
    long bytes = random.nextLong(1, 1_500_000);
    int request = random.nextInt(1, 30);
    long delayMillis = random.nextLong(0, 60);
    long sentBefore = world.hub.sentBytes();
    AtomicBoolean done = new AtomicBoolean();
    world.hub.fault =
        (r, answer) -> {
          answer.slowly = byBytes;
          if (!byBytes && world.hub.requests.size() == request && !done.getAndSet(true)) {
            Thread.ofVirtual().start(() -> kill(child.get(), delayMillis));
          }
        };
    world.hub.sent =
        total -> {
          if (byBytes && total - sentBefore >= bytes) {
            kill(child.get(), 0);
          }
        };
    child.set(child());
    PullingChild.output(child.get());
    return child.get().waitFor() == 137;
  }

  private static void kill(Process child, long delayMillis) {
    try {
      Thread.sleep(delayMillis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    child.destroyForcibly();
  }

  @Test
  void twoProcessesLoadEachFileOnce() throws IOException {
    world.hub.fault = (request, answer) -> answer.slowly = true;
    Process first = child();
    Process second = child();
    assertEquals("pulled", PullingChild.output(first).strip());
    assertEquals("pulled", PullingChild.output(second).strip());
    world.assertWhole();
    world.assertNothingTwice();
    for (String name : world.wanted()) {
      assertEquals(world.hub.content(name).length, world.hub.sentBytes(name), name);
    }
  }

  @Test
  void aFullDiskIsNamedAndThePullGoesOnWhenThereIsRoom() throws Exception {
    Path disk = Files.createDirectories(folder.resolve("disk"));
    world.variables.put("HF_HOME", disk.toString());
    Path ballast = disk.resolve("ballast");
    String[] onSmallDisk =
        onDisk(
            disk,
            """
            mount -t tmpfs -o size=3m tmpfs "$0" || exit
            "$@" && exit
            rm "$0/ballast"
            "$@"
            """);
    requireMounts(disk);
    AtomicReference<Process> child = new AtomicReference<>();
    AtomicBoolean filled = new AtomicBoolean();
    // Somebody else takes the room in the middle: 3 MB hold the model, but not this as well.
    world.hub.sent =
        total -> {
          if (total > 500_000 && !filled.getAndSet(true)) {
            fill(Path.of("/proc", String.valueOf(child.get().pid()), "root", ballast.toString()));
          }
        };
    world.hub.fault = (request, answer) -> answer.slowly = true;
    child.set(child(onSmallDisk));
    String output = PullingChild.output(child.get());
    assertTrue(output.contains("the disk is full: make room and pull again"), output);
    assertTrue(output.endsWith("pulled\n"), output);
    world.assertNothingTwice();
  }

  @Test
  void tooLittleRoomIsNamedBeforeTheStart() throws Exception {
    Path disk = Files.createDirectories(folder.resolve("disk"));
    world.variables.put("HF_HOME", disk.toString());
    requireMounts(disk);
    Process child = child(onDisk(disk, "mount -t tmpfs -o size=1m tmpfs \"$0\" && exec \"$@\""));
    String output = PullingChild.output(child);
    assertTrue(output.contains("acme/tiny-lm takes 2.4 MB more in"), output);
    assertTrue(output.contains("where 1.0 MB are free: make room, or set HF_HUB_CACHE"), output);
    assertEquals(0, world.hub.sentBytes(WEIGHTS));
  }

  private static void fill(Path ballast) {
    try {
      Files.write(ballast, new byte[2_000_000]);
    } catch (IOException e) {
      // Full, as it should be.
    }
  }

  /** A shell whose mounts nobody else sees; its script gets the disk's folder and a command. */
  private static String[] onDisk(Path disk, String script) {
    List<String> command = new ArrayList<>(List.of("unshare", "--mount"));
    if (!System.getProperty("user.name").equals("root")) {
      command.addAll(List.of("--user", "--map-root-user"));
    }
    command.addAll(List.of("sh", "-c", script, disk.toString()));
    return command.toArray(String[]::new);
  }

  private static void requireMounts(Path disk) throws Exception {
    if (Programs.find("unshare").isEmpty()) {
      abort("needs unshare, of util-linux, for a small disk");
    }
    Process probe =
        new ProcessBuilder(onDisk(disk, "mount -t tmpfs tmpfs \"$0\"")).inheritIO().start();
    if (!probe.waitFor(1, TimeUnit.MINUTES) || probe.exitValue() != 0) {
      abort("needs root, or user namespaces, to mount a small disk");
    }
  }
}
