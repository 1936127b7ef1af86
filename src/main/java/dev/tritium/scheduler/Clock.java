package dev.tritium.scheduler;

/** The time a scheduler sees. */
interface Clock {
  /** Nanoseconds since some moment. */
  long nanos();

  /** CPU time of the process in nanoseconds. */
  long cpuNanos();

  static Clock system() {
    return new Clock() {
      @Override
      public long nanos() {
        return System.nanoTime();
      }

      @Override
      public long cpuNanos() {
        return ProcessCpu.nanos();
      }
    };
  }
}
