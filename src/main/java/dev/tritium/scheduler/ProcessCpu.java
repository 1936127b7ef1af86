package dev.tritium.scheduler;

import com.sun.management.OperatingSystemMXBean;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.management.ManagementFactory;
import org.jspecify.annotations.Nullable;

/**
 * CPU time of this process. The JVM counts it in ticks of 10 ms, fifty steps of a small model; the
 * C library's {@code clock} counts microseconds.
 */
public final class ProcessCpu {
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private static final @Nullable MethodHandle CLOCK = clock();

  private ProcessCpu() {}

  /** CPU time of all threads so far, in nanoseconds. */
  public static long nanos() {
    if (CLOCK == null) {
      return SYSTEM.getProcessCpuTime();
    }
    try {
      return 1_000 * (long) CLOCK.invokeExact();
    } catch (Throwable e) {
      throw new AssertionError("clock() takes nothing and throws nothing", e);
    }
  }

  /**
   * {@code clock_t clock(void)}, which on Linux is 64 bits of microseconds whatever the library.
   */
  @SuppressWarnings("restricted") // called as it is declared
  private static @Nullable MethodHandle clock() {
    if (!System.getProperty("os.name", "").equals("Linux")) {
      return null;
    }
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("clock")
        .map(
            address -> linker.downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_LONG)))
        .orElse(null);
  }
}
