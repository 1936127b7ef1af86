package dev.tritium.cli;

import dev.tritium.hub.ByteCount;
import dev.tritium.hub.FileProgress;
import dev.tritium.hub.FileProgress.State;
import dev.tritium.hub.ModelId;
import dev.tritium.hub.PullProgress;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * How a model comes from the hub, in a terminal: a bar for each file that is being loaded and one
 * for all, drawn over and over in place; a file that is done leaves its line above.
 */
final class ProgressBars implements PullProgress {
  private static final int NAME_CHARS = 32;
  private static final int FIGURES_CHARS = 45; // of a line: percent, sizes, rate, time left
  private static final int LEAST_BAR_CHARS = 5;

  private final PrintWriter out;
  private final LongSupplier nanoTime;
  private final int columns;
  private final Map<FileProgress, TransferRate> files = new LinkedHashMap<>();
  private final Set<FileProgress> told = new HashSet<>(); // that they are done
  private final TransferRate rate = new TransferRate();
  private int drawn; // lines that the next drawing replaces

  /**
   * @param columns width of the terminal
   */
  ProgressBars(PrintWriter out, LongSupplier nanoTime, int columns) {
    this.out = out;
    this.nanoTime = nanoTime;
    this.columns = columns;
  }

  @Override
  public void begins(ModelId id, String commit, List<FileProgress> missing) {
    missing.forEach(file -> files.put(file, new TransferRate()));
    out.printf("%s, commit %s%s%n", id, commit, files.isEmpty() ? ", all of it is here" : "");
    ticks();
  }

  @Override
  public void ticks() {
    if (files.isEmpty()) {
      return;
    }
    long now = nanoTime.getAsLong();
    List<String> lasting = new ArrayList<>();
    List<String> changing = new ArrayList<>();
    long all = 0;
    long done = 0;
    long received = 0;
    for (Map.Entry<FileProgress, TransferRate> entry : files.entrySet()) {
      FileProgress file = entry.getKey();
      entry.getValue().at(now, file.receivedBytes());
      all += file.bytes();
      done += file.doneBytes();
      received += file.receivedBytes();
      if (file.state() == State.DONE) {
        if (told.add(file)) {
          lasting.add("%-32s %s".formatted(cut(file.name()), ByteCount.of(file.bytes())));
        }
      } else if (file.state() != State.QUEUED) {
        changing.add(line(file, entry.getValue()));
      }
    }
    rate.at(now, received);
    changing.add(bar("total", done, all, rate));
    draw(lasting, changing);
  }

  private String line(FileProgress file, TransferRate fileRate) {
    return switch (file.state()) {
      case WAITING -> "%-32s another process loads it".formatted(cut(file.name()));
      case CHECKING -> "%-32s checking %s".formatted(cut(file.name()), ByteCount.of(file.bytes()));
      default -> bar(file.name(), file.doneBytes(), file.bytes(), fileRate);
    };
  }

  private String bar(String name, long done, long all, TransferRate of) {
    int width = Math.max(LEAST_BAR_CHARS, columns - NAME_CHARS - FIGURES_CHARS - 4);
    double share = all == 0 ? 1 : (double) done / all;
    int full = (int) Math.round(share * width);
    return String.format(
        Locale.ROOT,
        "%-32s [%s%s] %3d %% %8s of %8s %8s/s %7s",
        cut(name),
        "#".repeat(full),
        ".".repeat(width - full),
        (int) (100 * share),
        ByteCount.of(done),
        ByteCount.of(all),
        ByteCount.of((long) of.bytesPerSecond()),
        of.timeLeft(all - done));
  }

  /** The end of a long name tells shards apart. */
  private static String cut(String name) {
    return name.length() <= NAME_CHARS
        ? name
        : "..." + name.substring(name.length() - NAME_CHARS + 3);
  }

  /** Writes over what was drawn last. */
  private void draw(List<String> lasting, List<String> changing) {
    StringBuilder text = new StringBuilder();
    if (drawn > 0) {
      text.append("\033[").append(drawn).append('A'); // up
    }
    text.append("\r\033[J"); // clears all below
    lasting.forEach(line -> text.append(shortened(line)).append('\n'));
    changing.forEach(line -> text.append(shortened(line)).append('\n'));
    drawn = changing.size();
    out.print(text);
    out.flush();
  }

  /** A line that wraps would be two, and the next drawing one too low. */
  private String shortened(String line) {
    return line.length() < columns ? line : line.substring(0, Math.max(0, columns - 1));
  }

  @Override
  public void ends() {
    ticks();
    files.clear();
  }
}
