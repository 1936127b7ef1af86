package dev.tritium.cli;

import dev.tritium.kernel.KernelChooser;
import dev.tritium.storage.CacheFolder;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The kernel that passed the probe of an earlier start, in one small file. It is believed only
 * where all is the same that decides what code the JVM makes of a kernel.
 *
 * @param folder need not exist
 * @param key that, in lines
 */
record KernelMemory(Path folder, String key) implements KernelChooser.Memory {
  private static final Logger LOG = System.getLogger(KernelMemory.class.getName());
  private static final String KERNEL = "kernel=";

  /** The memory of this kind of start in the user's cache folder. */
  static KernelChooser.Memory ofUser() {
    Cpu cpu = Cpu.read();
    return cpu.features().isEmpty() // unknown, so perhaps not the one of the earlier start
        ? NONE
        : new KernelMemory(
            CacheFolder.path(), key(ManagementFactory.getRuntimeMXBean().getInputArguments(), cpu));
  }

  /** Lines that name this build, JVM and CPU, and the flags that may change compiled code. */
  static String key(List<String> jvmArguments, Cpu cpu) {
    Stream<String> flags =
        jvmArguments.stream()
            .filter(flag -> !flag.startsWith("-D") || flag.startsWith("-Djdk."))
            .filter(flag -> !flag.startsWith("-Xlog") && !flag.contains("Archive"));
    return String.join(
        "\n",
        // The launcher's builds have a path each; elsewhere the version must tell them apart.
        "tritium=%s %s".formatted(Version.number(), System.getProperty("java.class.path")),
        "jvm=%s %s %s"
            .formatted(property("vm.name"), property("vm.vendor"), property("vm.version")),
        "runtime=" + property("runtime.version"),
        "flags=" + flags.toList(),
        "cpu=%s %s %s".formatted(System.getProperty("os.arch"), cpu.name(), cpu.features()),
        "");
  }

  private static String property(String name) {
    return System.getProperty("java." + name, "");
  }

  @Override
  public @Nullable String recall() {
    try {
      String found = Files.readString(file());
      String known = key + KERNEL;
      return found.startsWith(known) && found.endsWith("\n")
          ? found.substring(known.length(), found.length() - 1)
          : null;
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "no kernel is remembered", e);
      return null;
    }
  }

  @Override
  public void keep(String kernel) {
    try {
      Files.createDirectories(folder);
      Path temporary = folder.resolve(UUID.randomUUID() + ".tmp");
      try {
        Files.writeString(temporary, key + KERNEL + kernel + "\n");
        Files.move(temporary, file(), StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "the kernel is not remembered", e);
    }
  }

  private Path file() {
    return folder.resolve("kernel");
  }
}
