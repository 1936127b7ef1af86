package dev.tritium.tokenizer;

import java.util.Arrays;

/**
 * The text of an answer, token by token.
 *
 * <p>What {@link #accept} appends and then {@link #finish}, joined, is what {@link
 * Tokenizer#decode} of prompt and answer has after the longest prefix, in code points, that it
 * shares with decode of the prompt alone. Decoding the answer alone would lose the space after the
 * prompt. A token costs the same however long the context is.
 *
 * <p>Bytes are held back while later tokens may change what they mean: with byte fallback a whole
 * run of byte tokens (one bad byte makes each of them U+FFFD), with byte level an unfinished
 * character.
 *
 * <p>A value of one thread; {@link #fork} makes an independent copy.
 */
public final class IncrementalDecoder {
  private final Pieces pieces;
  private byte[] held; // [heldCount], room for more behind
  private int heldCount;
  private int spacesToStrip;
  private int length; // of what accept appended
  private String promptTail = ""; // what decode(prompt) shows for the bytes held at its end

  private IncrementalDecoder(Pieces pieces, byte[] held, int spacesToStrip) {
    this.pieces = pieces;
    this.held = held;
    this.spacesToStrip = spacesToStrip;
  }

  /** Begins the answer to a prompt. */
  public static IncrementalDecoder start(Tokenizer tokenizer, int[] promptIds) {
    Pieces pieces = tokenizer.pieces();
    var decoder = new IncrementalDecoder(pieces, new byte[8], pieces.rules.strippedSpaces());
    StringBuilder text = new StringBuilder();
    for (int id : promptIds) {
      decoder.append(id, text);
      text.setLength(0);
    }
    decoder.fork().flush(text);
    decoder.promptTail = text.toString();
    return decoder;
  }

  /** Takes the answer's next token and appends the text that is now final, often none. */
  public void accept(int id, StringBuilder text) {
    int from = text.length();
    append(id, text);
    dropPromptTail(text, from);
    length += text.length() - from;
  }

  /** UTF-16 length of the answer so far, held bytes that are whole characters included. */
  public int length() {
    IncrementalDecoder end = fork();
    StringBuilder whole = new StringBuilder();
    Utf8.appendLossy(held, heldCount - Utf8.unfinished(held, heldCount), whole);
    end.strip(whole, 0);
    end.dropPromptTail(whole, 0);
    return length + whole.length();
  }

  /** Appends the text still held back, with which the answer ends; changes nothing. */
  public void finish(StringBuilder text) {
    IncrementalDecoder end = fork();
    int from = text.length();
    end.flush(text);
    end.dropPromptTail(text, from);
  }

  /** An independent copy. */
  public IncrementalDecoder fork() {
    var copy = new IncrementalDecoder(pieces, held.clone(), spacesToStrip);
    copy.heldCount = heldCount;
    copy.length = length;
    copy.promptTail = promptTail;
    return copy;
  }

  private void append(int id, StringBuilder text) {
    if (pieces.isSilent(id)) { // dropped before decoding: it does not even end a run of bytes
      return;
    }
    byte[] bytes = pieces.bytes(id);
    if (pieces.rules.byteLevel()) {
      hold(bytes);
      int from = text.length();
      int unfinished = Utf8.unfinished(held, heldCount);
      Utf8.appendLossy(held, heldCount - unfinished, text);
      System.arraycopy(held, heldCount - unfinished, held, 0, unfinished);
      heldCount = unfinished;
      strip(text, from);
    } else if (pieces.isByteToken(id)) {
      hold(bytes);
    } else {
      flush(text);
      int from = text.length();
      Utf8.appendLossy(bytes, bytes.length, text);
      strip(text, from);
    }
  }

  private void hold(byte[] bytes) {
    if (heldCount + bytes.length > held.length) {
      held = Arrays.copyOf(held, 2 * (heldCount + bytes.length));
    }
    System.arraycopy(bytes, 0, held, heldCount, bytes.length);
    heldCount += bytes.length;
  }

  /** Appends the held bytes as the text they are when nothing follows them. */
  private void flush(StringBuilder text) {
    int from = text.length();
    if (pieces.rules.byteLevel() || Utf8.isValid(held, heldCount)) {
      Utf8.appendLossy(held, heldCount, text);
    } else {
      text.repeat('\uFFFD', heldCount);
    }
    heldCount = 0;
    strip(text, from);
  }

  /** Drops the spaces that the decoder strips at the beginning of the whole text. */
  private void strip(StringBuilder text, int from) {
    int to = from;
    while (spacesToStrip > 0 && to < text.length()) {
      boolean space = text.charAt(to) == ' ';
      spacesToStrip = space ? spacesToStrip - 1 : 0;
      to += space ? 1 : 0;
    }
    text.delete(from, to);
  }

  /** Drops what decode(prompt) shows already, as long as the answer repeats it. */
  private void dropPromptTail(StringBuilder text, int from) {
    if (promptTail.isEmpty()) {
      return;
    }
    int to = from;
    int same = 0;
    while (to < text.length() && same < promptTail.length()) {
      int next = text.codePointAt(to);
      if (next != promptTail.codePointAt(same)) {
        break;
      }
      same += Character.charCount(next);
      to += Character.charCount(next);
    }
    promptTail = to == text.length() ? promptTail.substring(same) : "";
    text.delete(from, to);
  }
}
