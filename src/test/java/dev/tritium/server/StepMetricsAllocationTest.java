package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.StepReport;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * To record a step allocates nothing, in a registry like the server's. It has a JVM of its own: the
 * registry makes an iterator for each value, which is garbage until the compiler knows better.
 */
class StepMetricsAllocationTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int STEPS = 1_000; // of a window
  private static final int WINDOWS = 11;

  /** By then everything is compiled, or never will be. */
  private static final int LONGEST_WARM_UP = 5_000; // windows

  @Test
  void aStepIsRecordedWithoutGarbage() throws Exception {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "@src/main/jvm/args",
            "-cp",
            System.getProperty("java.class.path"),
            StepMetricsAllocationTest.class.getName());
    Process jvm = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, jvm.waitFor(), output);
  }

  /** Exits with 0 if the median window allocates nothing. */
  @SuppressWarnings({"deprecation", "SystemOut"}) // the registry is the one that Quarkus has
  public static void main(String[] args) {
    CompositeMeterRegistry registry = new CompositeMeterRegistry();
    registry.add(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
    StepMetrics metrics = new StepMetrics(registry, "m", Exemplars.none());
    StepReport report = new StepReport();
    RequestAccount account = new RequestAccount(1, null);
    int clean = 0;
    for (int w = 0; w < LONGEST_WARM_UP && clean < WINDOWS; w++) {
      clean = bytesOfAWindow(metrics, report, account) == 0 ? clean + 1 : 0;
    }
    long[] bytes = new long[WINDOWS];
    Arrays.setAll(bytes, w -> bytesOfAWindow(metrics, report, account));
    Arrays.sort(bytes);
    System.out.println("bytes of " + STEPS + " steps: " + Arrays.toString(bytes));
    System.exit(bytes[WINDOWS / 2] == 0 ? 0 : 1);
  }

  private static long bytesOfAWindow(
      StepMetrics metrics, StepReport report, RequestAccount account) {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    for (int step = 0; step < STEPS; step++) {
      report.clear();
      for (int g = 0; g < 1 + step % 64; g++) {
        report.add(account, 0, 1);
        report.setGap(g, 300_000 + 1_000L * step);
      }
      metrics.stepEnded(report);
    }
    return THREADS.getCurrentThreadAllocatedBytes() - before;
  }
}
