package dev.tritium.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;

/**
 * Text to token ids and back, as the {@code tokenizer.json} of a model folder says; safe for any
 * number of threads.
 *
 * <p>Nothing is truncated or padded, whatever the file says. Spaces before punctuation stay ({@code
 * clean_up_tokenization_spaces} is not applied).
 */
public final class Tokenizer implements AutoCloseable {
  private static final String FILE = "tokenizer.json";

  /** A vocabulary's pieces are field names that nobody looks for again. */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .build();

  private final Pieces pieces;
  private final int longestPieceBytes;
  // Using a freed handle would end the JVM, so close() waits for the calls in flight.
  private final ReentrantReadWriteLock closing = new ReentrantReadWriteLock();
  private long handle;

  private Tokenizer(long handle, Pieces pieces) {
    this.handle = handle;
    this.pieces = pieces;
    int longest = 0;
    for (int id = 0; id < pieces.size(); id++) {
      longest = Math.max(longest, pieces.bytes(id).length);
    }
    this.longestPieceBytes = longest;
  }

  /**
   * Opens {@code tokenizer.json} in a model folder.
   *
   * @throws TokenizerException naming the file when it is missing, broken or has a decoder of
   *     another kind than byte fallback and byte level
   */
  public static Tokenizer open(Path modelFolder) {
    Path file = modelFolder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      throw new TokenizerException("%s is missing: the model has no tokenizer".formatted(file));
    }
    try {
      String json = Files.readString(file);
      Pieces pieces = Pieces.read(new JsonMapper(JSON).readTree(json));
      long handle = NativeLibrary.TOKENIZERS.createTokenizerFromString(json);
      NativeLibrary.TOKENIZERS.disableTruncation(handle);
      NativeLibrary.TOKENIZERS.disablePadding(handle);
      return new Tokenizer(handle, pieces);
    } catch (JsonProcessingException e) {
      throw new TokenizerException("%s is not JSON: %s".formatted(file, e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw new TokenizerException("%s cannot be read: %s".formatted(file, e.getMessage()), e);
    } catch (TokenizerException e) {
      throw e;
    } catch (LinkageError e) {
      throw new TokenizerException(
          "the tokenizers' native library cannot be loaded on this system: " + e, e);
    } catch (RuntimeException e) { // also what the native library throws
      throw new TokenizerException("%s cannot be used: %s".formatted(file, e.getMessage()), e);
    }
  }

  /**
   * The token ids of a text.
   *
   * <p>The text of a special token inside the text, such as {@code </s>}, becomes that token: the
   * library's default, and what chat templates rely on. Texts are not bounded here, and 1 MB takes
   * about a second.
   *
   * @param addSpecialTokens whether to add what the file's post-processor adds, such as the BOS
   * @throws InvalidTextException when the text holds half of a surrogate pair
   */
  public int[] encode(String text, boolean addSpecialTokens) {
    requireUnicode(text);
    return encodeValid(text, addSpecialTokens);
  }

  private int[] encodeValid(String text, boolean addSpecialTokens) {
    long[] ids =
        withHandle(
            tokenizer -> {
              long encoding = NativeLibrary.TOKENIZERS.encode(tokenizer, text, addSpecialTokens);
              try {
                return NativeLibrary.TOKENIZERS.getTokenIds(encoding);
              } finally {
                NativeLibrary.TOKENIZERS.deleteEncoding(encoding);
              }
            });
    return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
  }

  /** The library would put U+FFFD there in silence. */
  private static void requireUnicode(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (Character.isLowSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          throw new InvalidTextException(
              "the text is not valid Unicode: lone surrogate U+%04X at position %d"
                  .formatted((int) c, i));
        }
        i++;
      }
    }
  }

  /**
   * The text of token ids; special ids and ids that the tokenizer does not know (a model's
   * vocabulary may be larger) contribute nothing. Bytes that are not UTF-8 become U+FFFD.
   */
  public String decode(int[] ids) {
    long[] known = Arrays.stream(ids).filter(id -> !pieces.isSilent(id)).asLongStream().toArray();
    return withHandle(tokenizer -> NativeLibrary.TOKENIZERS.decode(tokenizer, known, true));
  }

  private <T> T withHandle(LongFunction<T> call) {
    closing.readLock().lock();
    try {
      if (handle == 0) {
        throw new TokenizerClosedException();
      }
      return call.apply(handle);
    } finally {
      closing.readLock().unlock();
    }
  }

  /**
   * The UTF-8 bytes that a token adds to a text, not necessarily whole characters; the first
   * token's leading space, which {@link #decode} strips, is still there. A special token has the
   * bytes of its name, such as {@code </s>}; an unknown id has none.
   */
  public byte[] pieceBytes(int id) {
    return pieces.bytes(id).clone();
  }

  /**
   * The token as OpenAI's log-probabilities show it: its text, or {@code bytes:\xe2\x96} where its
   * bytes are not whole characters.
   */
  public String pieceText(int id) {
    byte[] bytes = pieces.bytes(id);
    if (Utf8.isValid(bytes, bytes.length)) {
      return new String(bytes, StandardCharsets.UTF_8);
    }
    StringBuilder text = new StringBuilder("bytes:");
    for (byte b : bytes) {
      text.append("\\x%02x".formatted(b & 0xFF));
    }
    return text.toString();
  }

  /** The length in bytes of the longest piece: no text has fewer tokens than bytes / this. */
  public int longestPieceBytes() {
    return longestPieceBytes;
  }

  /** Whether decoding skips the id because it is a special token. */
  public boolean isSpecial(int id) {
    return pieces.isSpecial(id);
  }

  /** One more than the greatest id; not every id below it needs to be a token. */
  public int size() {
    return pieces.size();
  }

  Pieces pieces() {
    return pieces;
  }

  /** Frees the native tokenizer, after the calls in flight; later calls are errors. */
  @Override
  public void close() {
    closing.writeLock().lock();
    try {
      if (handle != 0) {
        NativeLibrary.TOKENIZERS.deleteTokenizer(handle);
        handle = 0;
      }
    } finally {
      closing.writeLock().unlock();
    }
  }
}
