package dev.tritium.kernel;

import dev.tritium.kernel.RowKernels.Rounding;
import java.util.Arrays;
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

/**
 * The row operations at a 2.7B model's widths: one row a call, one thread, in cache as in a token.
 *
 * <p>Operations in place are fed their own results: their time does not hang on the values.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgs = {"--add-modules", "jdk.incubator.vector"})
public class RowKernelsBenchmark {
  private static final float EPSILON = 1e-6f;

  /** auto: vectors, where the machine has them. */
  @Param({"auto", "scalar"})
  public String kernel = "";

  @Param({"2560", "6912"})
  public int width;

  private RowKernels rows = new ScalarRowKernels();
  private float[] x = {};
  private float[] weight = {};
  private float[] gate = {};
  private float[] input = {};
  private float[] forget = {};
  private float[] lower = {};
  private float[] noForget = {}; // zeros: the state neither fades nor grows
  private float[] state = {};
  private float[] y = {};
  private short[] q = {};
  private double[] blockSums = {};

  @Setup
  public void fill() {
    try (Kernels kernels = Kernels.create(kernel, 1)) {
      rows = kernels.rows();
    }
    Random random = new Random(1);
    x = gaussians(random);
    weight = gaussians(random);
    gate = gaussians(random);
    input = gaussians(random);
    forget = gaussians(random);
    state = gaussians(random);
    lower = new float[width];
    Arrays.fill(lower, 0.5f);
    noForget = new float[width];
    y = new float[width];
    q = new short[width];
    blockSums = new double[Math.ceilDiv(width, RowKernels.BLOCK)];
  }

  private float[] gaussians(Random random) {
    float[] values = new float[width];
    for (int j = 0; j < width; j++) {
      values[j] = (float) random.nextGaussian();
    }
    return values;
  }

  @Benchmark
  public float[] rmsNorm() {
    rows.rmsNorm(x, 0, weight, EPSILON, y, 0, width);
    return y;
  }

  @Benchmark
  public float normalizeAndQuantize() {
    return rows.normalizeAndQuantize(x, 0, weight, EPSILON, Rounding.HALF_AWAY, q, 0, width);
  }

  @Benchmark
  public float[] forgetAndInputGates() {
    rows.forgetAndInputGates(forget, 0, input, 0, lower, width);
    return input;
  }

  @Benchmark
  public float[] recurrence() {
    rows.recurrence(noForget, 0, input, 0, state, 0, width);
    return state;
  }

  @Benchmark
  public float[] normSwishGate() {
    rows.normSwishGate(x, 0, weight, EPSILON, gate, 0, y, 0, width);
    return y;
  }

  @Benchmark
  public float[] swiGlu() {
    rows.swiGlu(gate, 0, x, 0, y, 0, width);
    return y;
  }

  @Benchmark
  public double weigh() {
    return rows.weigh(x, 0, 1, 1, y, blockSums, width);
  }
}
