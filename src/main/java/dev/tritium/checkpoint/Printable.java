package dev.tritium.checkpoint;

/** Text from an untrusted file, as it may stand in a message or a log: one line, not too long. */
public final class Printable {
  private static final int MAX_CHARS = 200;

  private Printable() {}

  /** The text with control characters escaped; cut after 200 characters. */
  public static String of(String text) {
    StringBuilder shown = new StringBuilder();
    text.codePoints()
        .limit(MAX_CHARS)
        .forEach(
            c -> {
              if (Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE) {
                shown.append("\\u%04x".formatted(c));
              } else {
                shown.appendCodePoint(c);
              }
            });
    return text.codePointCount(0, text.length()) > MAX_CHARS
        ? shown.append("...").toString()
        : shown.toString();
  }
}
