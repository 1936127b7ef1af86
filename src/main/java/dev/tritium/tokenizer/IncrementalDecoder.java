package dev.tritium.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The text of an answer, token by token.
 *
 * <p>All texts of {@link #accept} and that of {@link #finish}, joined, are what {@link
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
  private int length; // of the texts that accept returned
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
    for (int id : promptIds) {
      decoder.append(id);
    }
    decoder.promptTail = decoder.fork().flush();
    return decoder;
  }

  /** Takes the answer's next token and returns the text that is now final, often none. */
  public String accept(int id) {
    String text = withoutPromptTail(append(id));
    length += text.length();
    return text;
  }

  /** UTF-16 length of the answer so far, held bytes that are whole characters included. */
  public int length() {
    IncrementalDecoder end = fork();
    String whole = Utf8.lossy(held, heldCount - Utf8.unfinished(held, heldCount));
    return length + end.withoutPromptTail(end.stripped(whole)).length();
  }

  /** The text still held back, with which the answer ends; changes nothing. */
  public String finish() {
    IncrementalDecoder end = fork();
    return end.withoutPromptTail(end.flush());
  }

  /** An independent copy. */
  public IncrementalDecoder fork() {
    var copy = new IncrementalDecoder(pieces, held.clone(), spacesToStrip);
    copy.heldCount = heldCount;
    copy.length = length;
    copy.promptTail = promptTail;
    return copy;
  }

  private String append(int id) {
    if (pieces.isSilent(id)) { // dropped before decoding: it does not even end a run of bytes
      return "";
    }
    byte[] bytes = pieces.bytes(id);
    if (pieces.rules.byteLevel()) {
      hold(bytes);
      int unfinished = Utf8.unfinished(held, heldCount);
      String text = Utf8.lossy(held, heldCount - unfinished);
      System.arraycopy(held, heldCount - unfinished, held, 0, unfinished);
      heldCount = unfinished;
      return stripped(text);
    }
    if (pieces.isByteToken(id)) {
      hold(bytes);
      return "";
    }
    return flush() + stripped(new String(bytes, StandardCharsets.UTF_8));
  }

  private void hold(byte[] bytes) {
    if (heldCount + bytes.length > held.length) {
      held = Arrays.copyOf(held, 2 * (heldCount + bytes.length));
    }
    System.arraycopy(bytes, 0, held, heldCount, bytes.length);
    heldCount += bytes.length;
  }

  /** The held bytes as the text they are when nothing follows them. */
  private String flush() {
    boolean asText = pieces.rules.byteLevel() || Utf8.isValid(held, heldCount);
    String text = asText ? Utf8.lossy(held, heldCount) : "\uFFFD".repeat(heldCount);
    heldCount = 0;
    return stripped(text);
  }

  /** Drops the spaces that the decoder strips at the beginning of the whole text. */
  private String stripped(String text) {
    int from = 0;
    while (spacesToStrip > 0 && from < text.length()) {
      spacesToStrip = text.charAt(from) == ' ' ? spacesToStrip - 1 : 0;
      from += text.charAt(from) == ' ' ? 1 : 0;
    }
    return text.substring(from);
  }

  /** Drops what decode(prompt) shows already, as long as the answer repeats it. */
  private String withoutPromptTail(String text) {
    int same = 0;
    while (same < text.length() && same < promptTail.length()) {
      int next = text.codePointAt(same);
      if (next != promptTail.codePointAt(same)) {
        break;
      }
      same += Character.charCount(next);
    }
    promptTail = same == text.length() ? promptTail.substring(same) : "";
    return text.substring(same);
  }
}
