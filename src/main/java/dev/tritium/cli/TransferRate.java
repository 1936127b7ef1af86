package dev.tritium.cli;

import java.util.ArrayDeque;
import java.util.Locale;

/** Bytes per second of the last few seconds, and how long the rest takes at that rate. */
final class TransferRate {
  private static final long WINDOW_NANOS = 5_000_000_000L;

  private record Sample(long nanos, long bytes) {}

  private final ArrayDeque<Sample> samples = new ArrayDeque<>();

  /** Notes how many bytes have come until then. */
  void at(long nanos, long bytes) {
    samples.addLast(new Sample(nanos, bytes));
    while (samples.size() > 2 && nanos - samples.getFirst().nanos > WINDOW_NANOS) {
      samples.removeFirst();
    }
  }

  /** 0 if that is not known yet. */
  double bytesPerSecond() {
    if (samples.size() < 2) {
      return 0;
    }
    Sample first = samples.getFirst();
    Sample last = samples.getLast();
    return (last.bytes - first.bytes) * 1e9 / Math.max(1, last.nanos - first.nanos);
  }

  /** Such as {@code 1:07:30} or {@code 0:20}; {@code -} if nothing comes. */
  String timeLeft(long missingBytes) {
    double rate = bytesPerSecond();
    if (rate < 1) {
      return "-";
    }
    long seconds = (long) Math.ceil(missingBytes / rate);
    long minutes = seconds / 60;
    return minutes < 60
        ? String.format(Locale.ROOT, "%d:%02d", minutes, seconds % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", minutes / 60, minutes % 60, seconds % 60);
  }
}
