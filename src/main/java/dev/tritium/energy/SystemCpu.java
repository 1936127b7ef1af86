package dev.tritium.energy;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongSupplier;

/** The CPUs as the operating system counts them. */
public final class SystemCpu implements CpuTimes {
  private static final Path STAT = Path.of("/proc/stat");
  private static final long TICK_NANOS = 10_000_000; // USER_HZ, which is 100 on every Linux

  /** What follows "cpu" in {@code /proc/stat}: user, nice, system, idle, iowait, irq, softirq. */
  private static final int[] BUSY = {1, 2, 3, 6, 7};

  private static final int LONGEST_FIRST_LINE = 256;

  private final OperatingSystemMXBean system =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private final LongSupplier processNanos;
  private final int hostCpus;
  private double hostNanos; // where they are summed up here
  private long lastNanos = System.nanoTime();

  /**
   * This system's.
   *
   * @param processNanos CPU time of the process, as finely as it can be had
   */
  public SystemCpu(LongSupplier processNanos) {
    this.processNanos = processNanos;
    this.hostCpus = countHostCpus();
  }

  /** Logical CPUs of the host, those included that this process may not use. */
  public static int countHostCpus() {
    try {
      long cpus =
          Files.readAllLines(STAT, StandardCharsets.ISO_8859_1).stream()
              .filter(line -> line.matches("cpu\\d+ .*"))
              .count();
      return Math.max(1, (int) cpus);
    } catch (IOException e) { // not Linux
      return Runtime.getRuntime().availableProcessors();
    }
  }

  @Override
  public long processNanos() {
    return processNanos.getAsLong();
  }

  @Override
  public long hostNanos() {
    try (InputStream in = Files.newInputStream(STAT)) {
      byte[] start = in.readNBytes(LONGEST_FIRST_LINE);
      return busyNanos(new String(start, StandardCharsets.ISO_8859_1));
    } catch (IOException e) { // not Linux
      long now = System.nanoTime();
      hostNanos += Math.max(0, system.getCpuLoad()) * hostCpus * (now - lastNanos); // of late
      lastNanos = now;
      return (long) hostNanos;
    }
  }

  /** The busy time that the beginning of {@code /proc/stat} says. */
  static long busyNanos(String stat) {
    String[] ticks = stat.lines().findFirst().orElse("").split(" +", -1);
    long busy = 0;
    for (int column : BUSY) {
      busy += Long.parseLong(ticks[column]);
    }
    return busy * TICK_NANOS;
  }

  @Override
  public int hostCpus() {
    return hostCpus;
  }

  @Override
  public int processCpus() {
    return Math.min(hostCpus, Runtime.getRuntime().availableProcessors());
  }
}
