package dev.tritium.model;

import dev.tritium.checkpoint.PackedCache;
import dev.tritium.kernel.Workers;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/**
 * How weights are loaded.
 *
 * @param workers read and pack them; not the kernels' pool where other models run on it meanwhile
 * @param cache for packed weights; null packs into memory
 * @param progress is told the share of the weights that is packed, from 0 to 1, now and then; never
 *     where they are packed already
 */
public record Loading(Workers workers, @Nullable PackedCache cache, DoubleConsumer progress) {
  /** Loads and tells nobody how far it is. */
  public static Loading with(Workers workers, @Nullable PackedCache cache) {
    return new Loading(workers, cache, share -> {});
  }
}
