package dev.tritium.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What the {@code decoder} of a {@code tokenizer.json} does, for the two kinds that language models
 * use: byte fallback (Replace*, ByteFallback, Fuse, Strip: Llama 2, Mistral, Gemma) and byte level
 * (GPT-2, Llama 3). Source: huggingface/tokenizers, src/decoders and src/pre_tokenizers/byte_level.
 *
 * @param byteLevel pieces are written in the byte-level alphabet; their bytes are one UTF-8 stream
 * @param byteFallback pieces {@code <0xHH>} are bytes; a run of them is text or, as a whole, not
 * @param strippedSpaces how many spaces at the beginning of a text are dropped
 */
record DecoderRules(
    boolean byteLevel, boolean byteFallback, int strippedSpaces, List<Replacement> replacements) {

  /** Text in a piece and what it stands for, such as U+2581 for a space. */
  record Replacement(String pattern, String content) {}

  private static final Pattern BYTE_TOKEN = Pattern.compile("<0x[0-9A-Fa-f]{2}>");
  private static final Map<Integer, Byte> BYTE_OF_CHAR = byteLevelAlphabet();

  /**
   * Reads the decoder.
   *
   * @throws IllegalArgumentException when it is of another kind
   */
  static DecoderRules read(JsonNode decoder) {
    List<JsonNode> steps = new ArrayList<>();
    if (decoder.path("type").asText().equals("Sequence")) {
      decoder.path("decoders").forEach(steps::add);
    } else {
      steps.add(decoder);
    }
    StringBuilder kind = new StringBuilder();
    List<Replacement> replacements = new ArrayList<>();
    int strippedSpaces = 0;
    for (JsonNode step : steps) {
      String type = step.path("type").asText("none");
      kind.append(type).append(' ');
      if (type.equals("Replace") && step.path("pattern").has("String")) {
        String pattern = step.path("pattern").path("String").asText();
        replacements.add(new Replacement(pattern, step.path("content").asText()));
      } else if (type.equals("Strip") && step.path("content").asText().equals(" ")) {
        strippedSpaces = step.path("start").asInt();
        kind.append(step.path("stop").asInt() == 0 ? "" : "(stop) ");
      } else if (type.equals("Replace") || type.equals("Strip")) {
        kind.append("(other) ");
      }
    }
    boolean byteLevel = kind.toString().equals("ByteLevel ");
    if (!byteLevel && !kind.toString().matches("(Replace )*(ByteFallback )?Fuse (Strip )?")) {
      throw new IllegalArgumentException(
          "its decoder is [%s]; known are ByteLevel and Replace, ByteFallback, Fuse, Strip"
              .formatted(kind.toString().strip()));
    }
    boolean byteFallback = kind.indexOf("ByteFallback") >= 0;
    return new DecoderRules(byteLevel, byteFallback, strippedSpaces, List.copyOf(replacements));
  }

  boolean isByteToken(String piece) {
    return byteFallback && BYTE_TOKEN.matcher(piece).matches();
  }

  /** The bytes that a piece adds to a text, before the text's first spaces are stripped. */
  byte[] bytes(String piece) {
    if (isByteToken(piece)) {
      return new byte[] {(byte) Integer.parseInt(piece.substring(3, 5), 16)};
    }
    String text = piece;
    for (Replacement replacement : replacements) {
      text = text.replace(replacement.pattern(), replacement.content());
    }
    return byteLevel ? byteLevelBytes(text) : text.getBytes(StandardCharsets.UTF_8);
  }

  /** A piece with a character outside the alphabet (an added token) stands for itself. */
  private static byte[] byteLevelBytes(String piece) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(piece.length());
    for (int i = 0; i < piece.length(); i++) {
      Byte value = BYTE_OF_CHAR.get((int) piece.charAt(i));
      if (value == null) {
        return piece.getBytes(StandardCharsets.UTF_8);
      }
      bytes.write(value);
    }
    return bytes.toByteArray();
  }

  /** GPT-2's bytes_to_unicode: printable Latin-1 stands for itself, the rest from U+0100 on. */
  private static Map<Integer, Byte> byteLevelAlphabet() {
    Map<Integer, Byte> alphabet = new TreeMap<>();
    int next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
      alphabet.put(printable ? b : next++, (byte) b);
    }
    return Map.copyOf(alphabet);
  }
}
