package dev.tritium.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One ternary product of a 2.7B model's shapes; {@code weights} is multiply-adds per second, one
 * per weight and sequence.
 *
 * <p>Each call takes the next of several copies of the weight, together larger than any cache, as
 * the layers of a model do.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgs = {"--add-modules", "jdk.incubator.vector"})
public class TernaryProductBenchmark {
  private static final long ALL_COPIES_BYTES = 128L << 20;

  @Param({"t9", "t2", "scalar"})
  public String kernel = "";

  @Param({"2560x2560", "2560x6912"})
  public String shape = "";

  @Param({"1", "4", "16", "64"})
  public int sequences;

  @Param("2")
  public int threads;

  private Workers workers = new Workers(1);
  private TernaryKernels kernels = new ScalarKernels(new T2Format(), workers);
  private final Arena arena = Arena.ofShared();
  private Product[] copies = {};
  private int next;

  /** Counts the weights of a call. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  public static class Counters {
    public long weights;
  }

  @Setup
  public void pack() {
    workers = new Workers(threads);
    kernels = KernelChooser.choose(kernel, workers);
    int rows = Integer.parseInt(shape.substring(0, shape.indexOf('x')));
    int columns = Integer.parseInt(shape.substring(shape.indexOf('x') + 1));
    Random random = new Random(1);
    QuantizedRows input = new QuantizedRows(sequences, columns);
    for (int n = 0; n < sequences; n++) {
      input.setScale(n, 1);
      for (int j = 0; j < columns; j++) {
        input.values()[input.at(n) + j] = (short) (random.nextInt(255) - 127);
      }
    }
    Rows output = new Rows(sequences, rows);
    TernaryFormat format = kernels.format();
    long bytes = format.packedBytes(rows, columns);
    copies = new Product[(int) Math.ceilDiv(ALL_COPIES_BYTES, bytes)];
    MemorySegment first = arena.allocate(bytes, 64);
    format.pack(
        (row, codes) -> {
          for (int c = 0; c < columns; c++) {
            codes[c] = (byte) (random.nextInt(3) - 1);
          }
        },
        columns,
        0,
        rows,
        first);
    for (int i = 0; i < copies.length; i++) {
      MemorySegment copy = i == 0 ? first : arena.allocate(bytes, 64).copyFrom(first);
      copies[i] = new Product(PackedTernary.of(format, rows, columns, copy, 1), input, output);
    }
  }

  @TearDown
  public void close() {
    workers.close();
    arena.close();
  }

  @Benchmark
  public Rows multiply(Counters counters) {
    Product product = copies[next++ % copies.length];
    kernels.multiply(product);
    PackedTernary weight = product.weight();
    counters.weights += (long) weight.rows() * weight.columns() * sequences;
    return product.output();
  }
}
