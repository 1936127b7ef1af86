package dev.tritium.scheduler;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** The time a scheduler sees. */
interface Clock {
  /** Nanoseconds since some moment. */
  long nanos();

  /** CPU time of the process in nanoseconds. */
  long cpuNanos();

  static Clock system() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return new Clock() {
      @Override
      public long nanos() {
        return System.nanoTime();
      }

      @Override
      public long cpuNanos() {
        return system.getProcessCpuTime();
      }
    };
  }
}
