package dev.tritium.engine;

import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.ScalarRowKernels;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** One draw from 32,000 pieces, the vocabulary of the released models; one thread. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgs = {"--add-modules", "jdk.incubator.vector"})
public class SamplerBenchmark {
  private static final int[] NONE = {};
  private static final int VOCABULARY = 32_000;
  private static final int ROWS = 16; // so that branches cannot be learned by heart

  /** auto: vectors, where the machine has them. */
  @Param({"auto", "scalar"})
  public String kernel = "";

  @Param({"greedy", "plain", "topK40", "topP09"})
  public String sampling = "";

  private final float[] logits = new float[ROWS * VOCABULARY]; // [rows, vocabulary]
  private Sampler sampler = new Sampler(0, new ScalarRowKernels());
  private Sampling settings = Sampling.greedy();
  private long step;

  @Setup
  public void fill() {
    Random random = new Random(1);
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) (3 * random.nextGaussian()); // top_p 0.9 keeps some 1,400 pieces
    }
    settings =
        switch (sampling) {
          case "greedy" -> Sampling.greedy();
          case "plain" -> Sampling.plain(1);
          case "topK40" -> drawn(40, 1);
          case "topP09" -> drawn(0, 0.9);
          default -> throw new IllegalArgumentException(sampling);
        };
    try (Kernels kernels = Kernels.create(kernel, 1)) {
      sampler = new Sampler(VOCABULARY, kernels.rows());
    }
  }

  private static Sampling drawn(int topK, double topP) {
    return new Sampling(1, topK, topP, 0, 1, 1, 0, 0, Map.of(), 1);
  }

  @Benchmark
  public int sample() {
    int row = (int) (step++ % ROWS);
    return sampler.sample(logits, row * VOCABULARY, settings, null, NONE, null, 0, step);
  }
}
