package dev.tritium.cli;

import dev.tritium.hub.ByteCount;
import dev.tritium.hub.FileProgress;
import dev.tritium.hub.ModelId;
import dev.tritium.hub.PullProgress;
import java.io.PrintWriter;
import java.util.List;
import java.util.function.LongSupplier;

/** How a model comes from the hub, in lines: for logs, a few a minute. */
final class ProgressLines implements PullProgress {
  private static final long INTERVAL_NANOS = 10_000_000_000L;

  private final PrintWriter out;
  private final LongSupplier nanoTime;
  private final TransferRate rate = new TransferRate();
  private List<FileProgress> files = List.of();
  private long told;

  ProgressLines(PrintWriter out, LongSupplier nanoTime) {
    this.out = out;
    this.nanoTime = nanoTime;
  }

  @Override
  public void begins(ModelId id, String commit, List<FileProgress> missing) {
    files = missing;
    if (files.isEmpty()) {
      say("all of %s, commit %s, is here".formatted(id, commit));
      return;
    }
    told = nanoTime.getAsLong();
    long done = FileProgress.sum(files, FileProgress::doneBytes);
    say(
        "pulling %s, commit %s: %d files, %s%s"
            .formatted(
                id,
                commit,
                files.size(),
                ByteCount.of(FileProgress.sum(files, FileProgress::bytes)),
                done == 0 ? "" : ", of which " + ByteCount.of(done) + " are here"));
  }

  @Override
  public void ticks() {
    if (files.isEmpty()) {
      return;
    }
    long now = nanoTime.getAsLong();
    rate.at(now, FileProgress.sum(files, FileProgress::receivedBytes));
    if (now - told >= INTERVAL_NANOS) {
      told = now;
      long all = FileProgress.sum(files, FileProgress::bytes);
      long done = FileProgress.sum(files, FileProgress::doneBytes);
      say(
          "%d %%: %s of %s, %s/s, %s left"
              .formatted(
                  done * 100 / Math.max(1, all),
                  ByteCount.of(done),
                  ByteCount.of(all),
                  ByteCount.of((long) rate.bytesPerSecond()),
                  rate.timeLeft(all - done)));
    }
  }

  @Override
  public void ends() {
    files = List.of();
  }

  private void say(String line) {
    out.println("tritium: " + line);
    out.flush();
  }
}
