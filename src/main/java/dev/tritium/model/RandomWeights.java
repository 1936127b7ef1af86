package dev.tritium.model;

import dev.tritium.checkpoint.DType;
import dev.tritium.checkpoint.ModelConfig;
import dev.tritium.checkpoint.Tensor;
import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.PackedTernary;
import dev.tritium.kernel.TernaryFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Random weights of a model's shape, for benchmarks: made in seconds, and nobody needs a
 * checkpoint. The same each time.
 */
final class RandomWeights implements Weights {
  /** Random bytes that all tensors are cut from; no divisor of any row, so rows differ. */
  private static final int POOL = (1 << 20) + 7;

  private static final int ALIGNMENT = 64; // bytes

  private final ModelConfig config;
  private final Kernels kernels;
  private final Map<String, TensorSpec> specs;
  private final Arena arena = Arena.ofShared();
  private final byte[] trits = new byte[POOL];
  private final short[] bf16 = new short[POOL]; // in (-1, 1)

  RandomWeights(ModelConfig config, Stream<TensorSpec> specs, Kernels kernels) {
    this.config = config;
    this.kernels = kernels;
    // A tied embedding is listed twice, with one shape.
    this.specs =
        specs.collect(Collectors.toMap(TensorSpec::name, Function.identity(), (a, b) -> b));
    Random random = new Random(1);
    for (int i = 0; i < POOL; i++) {
      trits[i] = (byte) (random.nextInt(3) - 1);
      bf16[i] = (short) (Float.floatToRawIntBits(2 * random.nextFloat() - 1) >> 16);
    }
  }

  private TensorSpec spec(String name) {
    TensorSpec spec = specs.get(name);
    if (spec == null) {
      throw new IllegalArgumentException("the model has no tensor " + name);
    }
    return spec;
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public Set<Integer> eosIds() {
    return Set.of();
  }

  @Override
  public PackedTernary ternary(String name) {
    TensorSpec spec = spec(name);
    int rows = spec.rows();
    int columns = spec.columns();
    TernaryFormat format = kernels.ternary().format();
    MemorySegment codes = arena.allocate(format.packedBytes(rows, columns), ALIGNMENT);
    format.pack(
        () -> (row, to) -> copyTrits((long) row * columns + name.hashCode(), to, columns),
        rows,
        columns,
        kernels.workers(),
        codes);
    // Two thirds of the codes are not 0: products keep the size of their inputs.
    return PackedTernary.of(format, rows, columns, codes, (float) Math.sqrt(1.5 / columns));
  }

  private void copyTrits(long from, byte[] to, int count) {
    for (int done = 0; done < count; ) {
      int at = (int) Math.floorMod(from + done, (long) POOL);
      int n = Math.min(count - done, POOL - at);
      System.arraycopy(trits, at, to, done, n);
      done += n;
    }
  }

  @Override
  public Tensor tensor(String name) {
    TensorSpec spec = spec(name);
    MemorySegment data = arena.allocate(spec.elements() * Short.BYTES, ALIGNMENT);
    for (long done = 0; done < spec.elements(); done += POOL) {
      int n = (int) Math.min(POOL, spec.elements() - done);
      MemorySegment.copy(bf16, 0, data, ValueLayout.JAVA_SHORT, done * Short.BYTES, n);
    }
    return new Tensor(name, DType.BF16, spec.shape(), data, Path.of("random weights"));
  }

  @Override
  public byte[] digest() {
    return new byte[32];
  }

  @Override
  public void close() {
    arena.close();
  }
}
