package dev.tritium.grammar;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Vocabularies and documents for tests of grammars. */
final class Documents {
  static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  /** The id that ends a text in all vocabularies here. */
  static final int END = 256;

  private Documents() {}

  /** Ids 0 to 255 are the bytes, 256 ends a text, then come these pieces. */
  static Vocabulary vocabulary(byte[]... pieces) {
    byte[][] all = new byte[257 + pieces.length][];
    for (int b = 0; b < 256; b++) {
      all[b] = new byte[] {(byte) b};
    }
    System.arraycopy(pieces, 0, all, 257, pieces.length);
    return new Vocabulary(all, END);
  }

  /** As tokenizers learn them: across JSON's structure, and with parts of characters. */
  static Vocabulary mixed(SplittableRandom random) {
    String text =
        "{\"a\": {\"b\": [\"x\", \"y\"], \"c\": [{\"a\": 12.5e3}, true, false, null]}, \"name\":"
            + "\"\\u00e9\\ud83d\\ude00 é😀漢字 \\\"quoted\\\"\"}],[[[{{}}},\"\",\"\":\"\"  0011.0-1";
    byte[] bytes = text.getBytes(UTF_8);
    List<byte[]> pieces = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      int from = random.nextInt(bytes.length - 1);
      int length = random.nextInt(1, Math.min(8, bytes.length - from) + 1);
      byte[] piece = new byte[length];
      System.arraycopy(bytes, from, piece, 0, length);
      pieces.add(piece);
    }
    return vocabulary(pieces.toArray(byte[][]::new));
  }

  /** A schema, or any JSON value, as the HTTP edge hands it over. */
  static Object read(String json) {
    try {
      return JSON.readValue(json, Object.class);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  /** The constraint of a schema, over single bytes. */
  static Constraint ofSchema(String schema) {
    return TokenGrammar.ofSchema(read(schema), vocabulary()).newConstraint();
  }

  /** Whether a text is a document of a schema that the grammar takes. */
  static boolean takes(Constraint constraint, String text) {
    Constraint at = constraint.fork();
    for (byte b : text.getBytes(UTF_8)) {
      if (!isSet(at.allowed(1_000_000), b & 0xFF)) {
        return false;
      }
      at.accept(b & 0xFF);
    }
    return at.isComplete();
  }

  static boolean isSet(long[] mask, int token) {
    return (mask[token >> 6] >> token & 1) != 0;
  }

  static int count(long[] mask) {
    int count = 0;
    for (long word : mask) {
      count += Long.bitCount(word);
    }
    return count;
  }

  /** One of the tokens in a mask, each as likely as the others. */
  static int draw(long[] mask, SplittableRandom random) {
    int left = random.nextInt(count(mask));
    for (int token = 0; ; token++) {
      if (isSet(mask, token) && left-- == 0) {
        return token;
      }
    }
  }

  /** Draws tokens until the document ends, at most {@code budget}. */
  static byte[] walk(
      Constraint constraint, Vocabulary vocabulary, int budget, SplittableRandom random) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int left = budget; left > 0 && !constraint.isFinished(); left--) {
      int token = draw(constraint.allowed(left), random);
      if (token == END) {
        break;
      }
      constraint.accept(token);
      bytes.writeBytes(vocabulary.piece(token));
    }
    return bytes.toByteArray();
  }
}
