package dev.tritium.testing;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** A folder as the kernel's power capping framework has it, with counters that a test moves. */
public final class PowercapTree {
  private final Path root;

  /** A zone of it. */
  public record Zone(Path folder) {
    public Zone energy(long microjoules) {
      return energy(microjoules + "\n");
    }

    public Zone energy(String text) {
      write(energyFile(), text);
      return this;
    }

    public Zone range(long microjoules) {
      write(folder.resolve("max_energy_range_uj"), microjoules + "\n");
      return this;
    }

    public Path energyFile() {
      return folder.resolve("energy_uj");
    }

    /** Takes it away, with all that is in it. */
    public void remove() {
      try (Stream<Path> all = Files.walk(folder)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  public PowercapTree(Path root) {
    this.root = root;
  }

  public Path root() {
    return root;
  }

  /** Adds a zone whose counter is at 0, such as {@code intel-rapl/intel-rapl:0}. */
  public Zone zone(String path, String name) {
    Zone zone = new Zone(root.resolve(path));
    write(zone.folder.resolve("name"), name + "\n");
    return zone.energy(0);
  }

  private static void write(Path file, String text) {
    try {
      Files.createDirectories(file.getParent());
      Path whole = Files.writeString(file.resolveSibling("." + file.getFileName()), text);
      Files.move(whole, file, ATOMIC_MOVE); // a reader may come at any time
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
