package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.kernel.Kernels;
import dev.tritium.model.LanguageModel;
import dev.tritium.testing.Golden;
import dev.tritium.testing.Models;
import dev.tritium.tokenizer.Tokenizer;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A decode step allocates nothing, on the engine's thread and on those of the pool; only what an
 * answer needs to grow is allocated now and then. Each kernel has a JVM of its own: vectors that
 * are not compiled to registers are garbage, and what runs beside them shapes what is compiled.
 */
class AllocationTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int STEPS = 10; // of a window
  private static final int WINDOWS = 11;

  /** By then everything is compiled, or never will be. */
  private static final int LONGEST_WARM_UP = 2_000; // windows

  @ParameterizedTest
  @CsvSource({"scalar, 1", "auto, 2"})
  void aDecodeStepAllocatesNothing(String kernel, String threads) throws Exception {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "@src/main/jvm/args",
            "-cp",
            System.getProperty("java.class.path"),
            AllocationTest.class.getName(),
            kernel,
            threads);
    Process jvm = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, jvm.waitFor(), output);
  }

  /** Arguments: kernel and threads. Exits with 0 if the median window allocates nothing. */
  @SuppressWarnings("SystemOut")
  public static void main(String[] args) {
    try (Kernels kernels = Kernels.create(args[0], Integer.parseInt(args[1]));
        LanguageModel model = Models.load(Golden.checkpoint("hgrn-tiny"), kernels);
        Tokenizer tokenizer = Tokenizer.open(Golden.checkpoint("hgrn-tiny"))) {
      SchedulerLimits limits = SchedulerLimits.defaults();
      Scheduler scheduler = new Scheduler(model, tokenizer, kernels.rows(), limits, report -> {});
      Generation generation = scheduler.submit(requests());
      while (scheduler.runningCount() < samplings().size()) { // on a busy machine it takes steps
        scheduler.step();
      }
      generation.poll();
      int clean = 0;
      for (int w = 0; w < LONGEST_WARM_UP && clean < WINDOWS; w++) {
        clean = bytesOfAWindow(scheduler, generation) == 0 ? clean + 1 : 0;
      }
      long[] bytes = new long[WINDOWS];
      Arrays.setAll(bytes, w -> bytesOfAWindow(scheduler, generation));
      Arrays.sort(bytes);
      System.out.println("bytes of " + STEPS + " steps: " + Arrays.toString(bytes));
      System.exit(bytes[WINDOWS / 2] == 0 ? 0 : 1);
    }
  }

  /** The bytes that {@link #STEPS} decode steps allocate; then reads what they added. */
  private static long bytesOfAWindow(Scheduler scheduler, Generation generation) {
    long[] threads = engineThreads();
    long before = allocatedBytes(threads);
    for (int step = 0; step < STEPS; step++) {
      scheduler.step();
    }
    long bytes = allocatedBytes(threads) - before;
    int tokens = generation.poll().stream().mapToInt(delta -> delta.tokens().size()).sum();
    if (tokens != samplings().size() * STEPS) {
      throw new IllegalStateException("a sequence has ended: a window drew " + tokens + " tokens");
    }
    return bytes;
  }

  private static List<Sampling> samplings() {
    return List.of(
        Sampling.greedy(),
        Sampling.plain(1),
        new Sampling(1, 0, 0.9, 0, 1, 1, 0, 0, Map.of(), 2),
        new Sampling(0.8, 40, 0.95, 0.01, 1, 1.1, 0.5, 0.5, Map.of(300, 2.0), 3),
        new Sampling(1, 0, 1, 0.05, 1, 1, 0, 0, Map.of(), 4),
        new Sampling(1, 0, 1, 0, 0.9, 1, 0, 0, Map.of(), 5));
  }

  /** One answer for each sampling, every other one with tokens that are banned until the end. */
  private static List<SequenceRequest> requests() {
    List<SequenceRequest> requests = new ArrayList<>();
    for (Sampling sampling : samplings()) {
      int choice = requests.size();
      int minTokens = choice % 2 == 0 ? 0 : Integer.MAX_VALUE;
      Set<Integer> stopTokens = choice % 2 == 0 ? Set.of() : Set.of(2, 4_000);
      List<String> stopStrings = List.of(" \n\n no such text", "e no such text");
      requests.add(
          new SequenceRequest(
              IntStream.range(300, 310).toArray(),
              choice,
              sampling,
              new StopRules(Integer.MAX_VALUE, minTokens, stopStrings, stopTokens),
              Logprobs.NONE));
    }
    return requests;
  }

  /** The calling thread, which steps, and the pool's threads. */
  private static long[] engineThreads() {
    long[] all = THREADS.getAllThreadIds();
    return Arrays.stream(THREADS.getThreadInfo(all))
        .filter(Objects::nonNull)
        .filter(
            thread ->
                thread.getThreadId() == Thread.currentThread().threadId()
                    || thread.getThreadName().startsWith("tritium-worker-"))
        .mapToLong(ThreadInfo::getThreadId)
        .toArray();
  }

  private static long allocatedBytes(long[] threads) {
    long bytes = 0;
    for (long thread : threads) {
      bytes += THREADS.getThreadAllocatedBytes(thread);
    }
    return bytes;
  }
}
