package dev.tritium.model;

import dev.tritium.checkpoint.ModelConfig;
import dev.tritium.checkpoint.ModelFolder;
import dev.tritium.checkpoint.Tensor;
import dev.tritium.kernel.Kernels;
import dev.tritium.kernel.PackedTernary;
import java.lang.foreign.Arena;
import java.util.Set;

/** The weights of a checkpoint's folder, packed when they are asked for. */
final class CheckpointWeights implements Weights {
  private final ModelFolder folder;
  private final Kernels kernels;
  private final Arena arena = Arena.ofShared();

  /** Takes the folder over and closes it with itself. */
  CheckpointWeights(ModelFolder folder, Kernels kernels) {
    this.folder = folder;
    this.kernels = kernels;
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
    return AbsMean.pack(folder.tensor(name), kernels.ternary().format(), kernels.workers(), arena);
  }

  @Override
  public Tensor tensor(String name) {
    return folder.tensor(name).requireFinite();
  }

  @Override
  public byte[] digest() {
    return folder.digest();
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
    folder.close();
  }
}
