package dev.tritium.server;

import dev.tritium.hub.ByteCount;
import dev.tritium.hub.FileProgress;
import dev.tritium.hub.ModelId;
import dev.tritium.hub.PullProgress;
import java.time.Duration;
import java.util.List;
import java.util.function.DoubleConsumer;

/** How far a model is that comes from the hub while the server runs: its share, and a few lines. */
final class PullLog implements PullProgress {
  private static final System.Logger LOG = System.getLogger(PullLog.class.getName());
  private static final long INTERVAL_NANOS = Duration.ofSeconds(10).toNanos();

  private final DoubleConsumer share;
  private String model = "";
  private List<FileProgress> files = List.of();
  private long toldNanos;

  /**
   * @param share is told how much of the bytes is there, from 0 to 1
   */
  PullLog(DoubleConsumer share) {
    this.share = share;
  }

  @Override
  public void begins(ModelId id, String commit, List<FileProgress> missing) {
    model = id + ", commit " + commit;
    files = missing;
    tell();
  }

  @Override
  public void ticks() {
    if (files.isEmpty()) { // the small files that come before the others
      return;
    }
    share.accept((double) doneBytes() / Math.max(1, bytes()));
    if (System.nanoTime() - toldNanos >= INTERVAL_NANOS) {
      tell();
    }
  }

  private void tell() {
    toldNanos = System.nanoTime();
    LOG.log(
        System.Logger.Level.INFO,
        "pulling {0}: {1} of {2} are here",
        model,
        ByteCount.of(doneBytes()),
        ByteCount.of(bytes()));
  }

  private long doneBytes() {
    return FileProgress.sum(files, FileProgress::doneBytes);
  }

  private long bytes() {
    return FileProgress.sum(files, FileProgress::bytes);
  }

  @Override
  public void ends() {
    files = List.of();
  }
}
