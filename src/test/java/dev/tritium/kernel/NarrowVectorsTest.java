package dev.tritium.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import jdk.incubator.vector.ShortVector;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/**
 * The kernels' tests once more at the width of other CPUs. A kernel's width is a constant of its
 * class, so it takes a JVM of its own.
 */
class NarrowVectorsTest {

  @ParameterizedTest
  @ValueSource(classes = {TernaryKernelsTest.class, VectorRowKernelsTest.class})
  void with128BitVectorsTheResultsAreTheSame(Class<?> tests) throws Exception {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "@src/main/jvm/args",
            "-XX:MaxVectorSize=16",
            "-cp",
            System.getProperty("java.class.path"),
            NarrowVectorsTest.class.getName(),
            tests.getName());
    Process jvm = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, jvm.waitFor(), output);
    assertTrue(output.contains("128 bits, 0 failed"), output);
  }

  /** Runs the test class it is given; exits with 1 if a test fails. */
  @SuppressWarnings("SystemOut")
  public static void main(String[] args) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request().selectors(selectClass(args[0])).build();
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherFactory.create().execute(request, listener);
    listener
        .getSummary()
        .printFailuresTo(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    long failed = listener.getSummary().getTotalFailureCount();
    System.out.printf(
        "%d tests at %d bits, %d failed%n",
        listener.getSummary().getTestsFoundCount(),
        ShortVector.SPECIES_PREFERRED.vectorBitSize(),
        failed);
    System.exit(failed == 0 && listener.getSummary().getTestsSucceededCount() > 0 ? 0 : 1);
  }
}
