package dev.tritium.tokenizer;

/**
 * UTF-8 as Rust reads it (Unicode 3.9, table 3-7): each maximal invalid part becomes one U+FFFD.
 *
 * <p>Java's own decoder turns an encoded surrogate into one U+FFFD where Rust makes three.
 */
final class Utf8 {
  private Utf8() {}

  /** Appends the text of the bytes, an unfinished character at the end as one U+FFFD. */
  static void appendLossy(byte[] bytes, int count, StringBuilder text) {
    for (int i = 0; i < count; ) {
      int length = charLength(bytes, i, count);
      if (length > 0) {
        appendChar(bytes, i, length, text);
      } else {
        text.append('\uFFFD');
      }
      i += Math.abs(length);
    }
  }

  private static void appendChar(byte[] bytes, int i, int length, StringBuilder text) {
    int c = length == 1 ? bytes[i] : bytes[i] & (0x7F >> length);
    for (int k = 1; k < length; k++) {
      c = (c << 6) | (bytes[i + k] & 0x3F);
    }
    if (Character.isBmpCodePoint(c)) {
      text.append((char) c);
    } else { // StringBuilder.appendCodePoint would make a string
      text.append(Character.highSurrogate(c)).append(Character.lowSurrogate(c));
    }
  }

  /** Whether the bytes are well-formed from end to end. */
  static boolean isValid(byte[] bytes, int count) {
    int i = 0;
    while (i < count) {
      int length = charLength(bytes, i, count);
      if (length < 0) {
        return false;
      }
      i += length;
    }
    return true;
  }

  /** How many bytes at the end are the beginning of a character that later bytes may complete. */
  static int unfinished(byte[] bytes, int count) {
    for (int length = 1; length <= Math.min(3, count); length++) {
      int from = count - length;
      if ((bytes[from] & 0xC0) != 0x80) { // the lead byte, whatever follows it
        boolean open = charLength(bytes, from, count) == -length && length < needed(bytes[from]);
        return open ? length : 0;
      }
    }
    return 0;
  }

  /** The length of the character at i, or minus the length of the invalid part there. */
  private static int charLength(byte[] bytes, int i, int end) {
    int lead = bytes[i] & 0xFF;
    int needed = needed(bytes[i]);
    for (int k = 1; k < needed; k++) {
      int low = k == 1 && lead == 0xE0 ? 0xA0 : k == 1 && lead == 0xF0 ? 0x90 : 0x80;
      int high = k == 1 && lead == 0xED ? 0x9F : k == 1 && lead == 0xF4 ? 0x8F : 0xBF;
      int next = i + k < end ? bytes[i + k] & 0xFF : -1;
      if (next < low || next > high) {
        return -k;
      }
    }
    return needed == 0 ? -1 : needed;
  }

  /** The length of a character that begins with this byte; 0 when none does. */
  private static int needed(byte lead) {
    int b = lead & 0xFF;
    if (b < 0x80) {
      return 1;
    }
    return b < 0xC2 ? 0 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : b < 0xF5 ? 4 : 0;
  }
}
