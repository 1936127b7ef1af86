package dev.tritium.hub;

import java.util.Locale;

/** Numbers of bytes for people, in powers of 1000 as on the hub's pages. */
public final class ByteCount {
  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB"};

  private ByteCount() {}

  /** Such as {@code 748.2 MB}. */
  public static String of(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 999.95 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, UNITS[unit]);
  }
}
