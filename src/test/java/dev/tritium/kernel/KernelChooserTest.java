package dev.tritium.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.tritium.testing.ExpectedKernels;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelChooserTest {

  @Test
  void theKernelThatThisProcessorDeservesIsChosen() throws IOException {
    Set<String> expected = ExpectedKernels.names();
    try (Workers workers = new Workers(2)) {
      String chosen = KernelChooser.choose("auto", workers).name();
      assertTrue(expected.contains(chosen), "chosen " + chosen + ", expected " + expected);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"t9", "t2", "scalar"})
  void aForcedKernelIsTheOneOrRefusedWithTheReason(String name) {
    try (Workers workers = new Workers(1)) {
      try {
        TernaryKernels kernels = KernelChooser.choose(name, workers);
        assertEquals(name, kernels.name());
        assertTrue(kernels.supported());
      } catch (IllegalArgumentException e) {
        assertTrue(!name.equals("scalar"));
        assertTrue(String.valueOf(e.getMessage()).contains("-bit vectors"), e::toString);
      }
    }
  }

  @Test
  void anUnknownNameIsRefusedWithTheKnownOnes() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Kernels.create("T9", 2));
    assertEquals("unknown kernel 'T9'; known are auto, t9, t2, scalar", e.getMessage());
  }

  @Test
  void aKernelThatIsTooSlowFailsItsProbe() {
    try (Workers workers = new Workers(1)) {
      KernelProbe probe = new KernelProbe(new ScalarKernels(new T9Format(), workers), 50_000_000);
      assertTrue(String.valueOf(probe.failure(1e12)).contains("billion weights/s"));
    }
  }

  @Test
  void aKernelThatIsWrongFailsItsProbe() {
    try (Workers workers = new Workers(1)) {
      KernelProbe probe = new KernelProbe(new WrongKernels(workers), 50_000_000);
      assertTrue(String.valueOf(probe.failure(0)).contains("results differ"));
    }
  }

  @Test
  void withoutTheVectorModuleOneWarningNamesTheCureAndTheScalarKernelRuns() throws Exception {
    List<String> lines = runChild(List.of(), "auto");
    List<String> warnings = lines.stream().filter(line -> line.contains("WARNING")).toList();
    assertEquals(1, warnings.size(), () -> String.join("\n", lines));
    assertTrue(warnings.getFirst().contains("--add-modules jdk.incubator.vector"));
    assertTrue(warnings.getFirst().contains("./tritium"));
    assertEquals("chosen scalar", lines.getLast());
  }

  @Test
  void withoutTheVectorModuleAForcedVectorKernelIsRefused() throws Exception {
    List<String> lines = runChild(List.of(), "t2");
    assertTrue(
        lines.getLast().startsWith("refused kernel t2 cannot run: the Vector API is missing"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"-XX:UseAVX=2", "-XX:MaxVectorSize=16"})
  void withNarrowVectorsT2IsChosenWithoutAWarning(String option) throws Exception {
    assertFalse(ExpectedKernels.names().isEmpty()); // skips where the CPU has no such vectors
    List<String> options = new ArrayList<>(List.of("--add-modules", "jdk.incubator.vector"));
    options.addAll(List.of("-XX:+IgnoreUnrecognizedVMOptions", option)); // UseAVX is x86's
    List<String> lines = runChild(options, "auto");
    assertEquals("chosen t2", lines.getLast(), () -> String.join("\n", lines));
    assertTrue(lines.stream().noneMatch(l -> l.startsWith("WARNING: ternary")), lines::toString);
  }

  @Test
  void aSecondStartDoesNotProbe() {
    FakeMemory memory = new FakeMemory(null);
    List<String> probed = new ArrayList<>();
    KernelChooser.Choice first = find(memory, probed, true);
    assertEquals(List.of(first.candidate().name()), memory.kept);
    assertFalse(first.remembered());
    int before = probed.size();
    assertEquals(
        new KernelChooser.Choice(first.candidate(), true),
        find(new FakeMemory(memory.kept.getFirst()), probed, true));
    assertEquals(before, probed.size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"t9", "t2"})
  void aKernelThatIsGoneOrNotTheFirstIsProbedAnew(String wrong) {
    FakeMemory nothing = new FakeMemory(null);
    List<String> probed = new ArrayList<>();
    KernelChooser.Choice right = find(nothing, probed, true);
    assumeVectors(probed);
    String remembered = right.candidate().name().equals(wrong) ? "t8" : wrong;
    FakeMemory memory = new FakeMemory(remembered);
    List<String> again = new ArrayList<>();
    assertEquals(right, find(memory, again, true));
    assertEquals(probed, again);
    assertEquals(List.of(right.candidate().name()), memory.kept);
  }

  @Test
  void aChoiceAfterAFailureIsNotKept() {
    List<String> probed = new ArrayList<>();
    FakeMemory memory = new FakeMemory(null);
    KernelChooser.Choice last = find(memory, probed, false);
    assumeVectors(probed);
    assertEquals("scalar", last.candidate().name());
    assertEquals(List.of(), memory.kept);
  }

  @Test
  void aRememberedKernelThatThisJvmDoesNotSupportIsNotUsed() throws Exception {
    assertFalse(ExpectedKernels.names().isEmpty()); // skips where the CPU has no such vectors
    List<String> options = List.of("--add-modules", "jdk.incubator.vector", "-XX:UseAVX=2");
    assertEquals("chosen t2", runChild(options, "auto", "t9").getLast());
    List<String> lines = runChild(options, "auto", "t2");
    assertEquals("chosen t2", lines.getLast());
    assertTrue(
        lines.stream().anyMatch(l -> l.endsWith("2 threads, remembered from an earlier start")),
        lines::toString);
  }

  /** Finds the best kernel where a probe says {@code passes} and is written down. */
  private static KernelChooser.Choice find(
      KernelChooser.Memory memory, List<String> probed, boolean passes) {
    return KernelChooser.find(
        memory,
        (candidate, kernels) -> {
          probed.add(candidate.name());
          return passes;
        });
  }

  private static void assumeVectors(List<String> probed) {
    assumeFalse(probed.isEmpty(), "this CPU has no vectors that a kernel needs");
  }

  private static final class FakeMemory implements KernelChooser.Memory {
    private final @Nullable String remembered;
    private final List<String> kept = new ArrayList<>();

    FakeMemory(@Nullable String remembered) {
      this.remembered = remembered;
    }

    @Override
    public @Nullable String recall() {
      return remembered;
    }

    @Override
    public void keep(String kernel) {
      kept.add(kernel);
    }
  }

  /** What a JVM of its own prints when it chooses a kernel, perhaps a remembered one. */
  private static List<String> runChild(List<String> options, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add("-Djava.util.logging.SimpleFormatter.format=%4$s: %5$s%n");
    command.addAll(List.of("-cp", classPathOf(KernelChooser.class, ChooserMain.class)));
    command.add(ChooserMain.class.getName());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeAll(Set.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"));
    Process child = builder.start();
    String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, child.waitFor(), output);
    return output.lines().toList();
  }

  private static String classPathOf(Class<?>... classes) throws Exception {
    List<String> entries = new ArrayList<>();
    for (Class<?> c : classes) {
      entries.add(
          Path.of(c.getProtectionDomain().getCodeSource().getLocation().toURI()).toString());
    }
    return String.join(java.io.File.pathSeparator, entries);
  }

  /** Runs in the child. */
  static final class ChooserMain {
    private ChooserMain() {}

    @SuppressWarnings("SystemOut") // its output is what the test reads
    public static void main(String[] args) {
      try (Workers workers = new Workers(2)) {
        if (args.length > 1) {
          KernelChooser.find(new FakeMemory(args[1]));
        }
        System.out.println("chosen " + KernelChooser.choose(args[0], workers).name());
      } catch (IllegalArgumentException e) {
        System.out.println("refused " + e.getMessage());
      }
    }
  }

  /** Off by one in its last row. */
  private static final class WrongKernels implements TernaryKernels {
    private final ScalarKernels right;

    WrongKernels(Workers workers) {
      this.right = new ScalarKernels(new T9Format(), workers);
    }

    @Override
    public String name() {
      return "wrong";
    }

    @Override
    public int vectorBits() {
      return 0;
    }

    @Override
    public TernaryFormat format() {
      return right.format();
    }

    @Override
    public boolean supported() {
      return true;
    }

    @Override
    public void multiply(Product... products) {
      right.multiply(products);
      Rows output = products[0].output();
      output.values()[output.width() - 1] += 1;
    }
  }
}
