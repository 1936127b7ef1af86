package dev.tritium.model;

import dev.tritium.checkpoint.ModelConfig;
import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.checkpoint.PackedCache;
import dev.tritium.checkpoint.PackedCacheException;
import dev.tritium.checkpoint.PackedFile;
import dev.tritium.checkpoint.PackedFileWriter;
import dev.tritium.checkpoint.Tensor;
import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.PackedTernary;
import dev.tritium.kernel.TernaryFormat;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a checkpoint's folder. Its ternary matrices come out of the packed file that an
 * earlier start has left; where there is none they are packed, one after the other, on all threads
 * for that.
 */
final class CheckpointWeights implements Weights {
  private static final System.Logger LOG = System.getLogger(CheckpointWeights.class.getName());

  /**
   * Of {@link AbsMean}, the formats' layouts and the families' choice of ternary tensors together:
   * to be raised when any of them changes.
   */
  private static final int PACKING_VERSION = 3;

  private static final int ALIGNMENT = 64; // bytes; a cache line and the widest vector
  private static final long LOG_NANOS = 2_000_000_000;

  private final ModelFolder folder;
  private final Kernels kernels;
  private final Loading loading;
  private final List<TensorSpec> specs;
  private final Map<String, PackedTernary> ternary = new HashMap<>();
  private final Arena arena = Arena.ofShared(); // of matrices in memory
  private @Nullable PackedFile file; // of mapped ones

  /**
   * Takes the folder over and closes it with itself, unless this throws.
   *
   * @param specs the tensors of the checkpoint, which are all there in their shapes
   * @throws dev.tritium.checkpoint.CheckpointException naming a tensor that is not finite
   */
  CheckpointWeights(ModelFolder folder, List<TensorSpec> specs, Kernels kernels, Loading loading) {
    this.folder = folder;
    this.specs = specs;
    this.kernels = kernels;
    this.loading = loading;
    try {
      file = loading.cache() == null ? null : findOrPack(loading.cache());
      if (file != null) {
        file.sections().forEach(this::take);
      } else {
        packAll(
            bytes -> arena.allocate(bytes, ALIGNMENT),
            (spec, codes, scale) ->
                ternary.put(
                    spec.name(),
                    PackedTernary.of(format(), spec.rows(), spec.columns(), codes, scale)));
      }
    } catch (RuntimeException | Error e) {
      free();
      throw e;
    }
  }

  /** Null, after a warning, if there is no packed file and none can be written. */
  private @Nullable PackedFile findOrPack(PackedCache cache) {
    try {
      return cache.findOrPack(folder, format().id(), PACKING_VERSION, this::packInto);
    } catch (PackedCacheException e) {
      LOG.log(Level.WARNING, "{0}; packing into memory now and at each start", e.getMessage());
      return null;
    }
  }

  private void packInto(PackedFileWriter writer) {
    long largest =
        specs.stream()
            .filter(TensorSpec::ternary)
            .mapToLong(spec -> format().packedBytes(spec.rows(), spec.columns()))
            .max()
            .orElse(0);
    try (Arena scratch = Arena.ofShared()) {
      MemorySegment codes = scratch.allocate(largest, ALIGNMENT);
      packAll(
          bytes -> codes.asSlice(0, bytes),
          (spec, packed, scale) ->
              writer.add(
                  spec.name(),
                  spec.rows(),
                  spec.columns(),
                  List.of(new PackedFile.RowScale(spec.rows(), scale)),
                  packed));
    }
  }

  /** Takes a packed matrix. */
  private interface Sink {
    void accept(TensorSpec spec, MemorySegment codes, float scale);
  }

  /** Packs every ternary matrix into memory of its own and checks all other tensors. */
  private void packAll(LongFunction<MemorySegment> memory, Sink sink) {
    specs.stream()
        .filter(spec -> !spec.ternary())
        .forEach(s -> folder.tensor(s.name()).requireFinite());
    List<TensorSpec> matrices = specs.stream().filter(TensorSpec::ternary).toList();
    long total = matrices.stream().mapToLong(TensorSpec::elements).sum();
    long done = 0;
    long told = System.nanoTime();
    for (TensorSpec spec : matrices) {
      MemorySegment codes = memory.apply(format().packedBytes(spec.rows(), spec.columns()));
      float scale = AbsMean.pack(folder.tensor(spec.name()), format(), loading.workers(), codes);
      sink.accept(spec, codes, scale);
      folder.tensor(spec.name()).release();
      done += spec.elements();
      loading.progress().accept((double) done / total);
      if (System.nanoTime() - told > LOG_NANOS) {
        told = System.nanoTime();
        LOG.log(
            Level.INFO,
            "packing {0} for {1}: {2} %",
            folder.name(),
            format().id(),
            done * 100 / total);
      }
    }
  }

  private TernaryFormat format() {
    return kernels.ternary().format();
  }

  private void take(PackedFile.Section section) {
    List<PackedTernary.RowScale> scales =
        section.scales().stream()
            .map(part -> new PackedTernary.RowScale(part.endRow(), part.scale()))
            .toList();
    ternary.put(
        section.name(),
        new PackedTernary(format(), section.rows(), section.columns(), section.bytes(), scales));
  }

  @Override
  public ModelConfig config() {
    return folder.config();
  }

  @Override
  public Set<Integer> eosIds() {
    return folder.eosIds();
  }

  @Override
  public PackedTernary ternary(String name) {
    return Objects.requireNonNull(
        ternary.get(name), () -> name + " is not packed: was PACKING_VERSION forgotten?");
  }

  @Override
  public Tensor tensor(String name) {
    return folder.tensor(name);
  }

  @Override
  public byte[] digest() {
    return folder.digest();
  }

  private void free() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
    if (file != null) {
      file.close();
    }
  }

  @Override
  public void close() {
    free();
    folder.close();
  }
}
