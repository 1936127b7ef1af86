package dev.tritium.kernel;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * The priority of threads that are to have only the time that others leave over, so that loading a
 * model hardly slows down those that are served.
 *
 * <p>On Linux the JVM ignores the priorities of Java's threads; the C library sets those of the
 * kernel's.
 */
public final class LowPriority {
  private static final int PRIO_PROCESS = 0; // on Linux a thread; 0 is the caller's
  private static final int NICE = 10; // a tenth of the weight of a thread of 0

  private static final @Nullable MethodHandle SET_PRIORITY = setPriority();

  private LowPriority() {}

  /** Gives it to the current thread, for good: to raise it again takes privileges. */
  @SuppressWarnings("ThreadPriorityCheck") // it is a wish, and nothing depends on it
  public static void enter() {
    Thread.currentThread().setPriority(Thread.MIN_PRIORITY);
    if (SET_PRIORITY == null) {
      return;
    }
    try {
      int _ = (int) SET_PRIORITY.invokeExact(PRIO_PROCESS, 0, NICE);
    } catch (Throwable e) {
      throw new AssertionError("setpriority() throws nothing", e);
    }
  }

  /** {@code int setpriority(int which, id_t who, int prio)}; null where it is none of Linux. */
  @SuppressWarnings("restricted") // called as it is declared
  private static @Nullable MethodHandle setPriority() {
    if (!System.getProperty("os.name", "").equals("Linux")) {
      return null;
    }
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("setpriority")
        .map(
            address ->
                linker.downcallHandle(
                    address,
                    FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT)))
        .orElse(null);
  }
}
