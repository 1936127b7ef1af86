package dev.tritium.energy;

/** Who kept the CPUs busy. One caller at a time. */
public interface CpuTimes {
  /** CPU time of this process in nanoseconds. */
  long processNanos();

  /** CPU time of everything on the host in nanoseconds since some moment; it moves in ticks. */
  long hostNanos();

  /** Logical CPUs of the host. */
  int hostCpus();

  /** Logical CPUs that this process may keep busy. */
  int processCpus();
}
