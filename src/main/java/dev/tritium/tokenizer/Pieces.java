package dev.tritium.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;

/** The pieces of a {@code tokenizer.json} as the bytes that its decoder makes of them. */
final class Pieces {
  private static final byte[] NOTHING = {};
  private static final int MAX_ID = 1 << 24; // a broken file must not take the whole heap

  final DecoderRules rules;
  private final byte[][] bytes; // [size], empty where no piece has the id
  private final BitSet special = new BitSet();
  private final BitSet byteTokens = new BitSet();
  private final BitSet known = new BitSet();

  private Pieces(DecoderRules rules, int size) {
    this.rules = rules;
    this.bytes = new byte[size][];
    Arrays.fill(bytes, NOTHING);
  }

  /**
   * Reads {@code model.vocab}, {@code added_tokens} and {@code decoder}.
   *
   * @throws IllegalArgumentException when one of them is missing or of an unknown kind
   */
  static Pieces read(JsonNode tokenizer) {
    JsonNode vocab = tokenizer.path("model").path("vocab");
    JsonNode added = tokenizer.path("added_tokens");
    if (!vocab.isObject() && !vocab.isArray()) {
      throw new IllegalArgumentException("it has no model.vocab");
    }
    int size = vocab.size();
    if (vocab.isObject()) {
      for (JsonNode id : vocab) {
        size = Math.max(size, id.asInt() + 1);
      }
    }
    for (JsonNode token : added) {
      size = Math.max(size, token.path("id").asInt() + 1);
    }
    if (size <= 0 || size > MAX_ID) {
      throw new IllegalArgumentException("its greatest id is " + (size - 1));
    }
    Pieces pieces = new Pieces(DecoderRules.read(tokenizer.path("decoder")), size);
    if (vocab.isObject()) {
      vocab.properties().forEach(e -> pieces.put(e.getValue().asInt(), e.getKey()));
    } else { // Unigram: [[piece, score], ...]
      for (int id = 0; id < vocab.size(); id++) {
        pieces.put(id, vocab.get(id).path(0).asText());
      }
    }
    for (JsonNode token : added) {
      int id = token.path("id").asInt();
      String content = token.path("content").asText();
      pieces.put(id, content);
      if (token.path("special").asBoolean()) {
        pieces.special.set(id);
        pieces.byteTokens.clear(id);
        pieces.bytes[id] = content.getBytes(StandardCharsets.UTF_8);
      }
    }
    return pieces;
  }

  private void put(int id, String piece) {
    known.set(id);
    bytes[id] = rules.bytes(piece);
    byteTokens.set(id, rules.isByteToken(piece));
  }

  int size() {
    return bytes.length;
  }

  /** Whether decoding drops the id: special, or no piece has it. */
  boolean isSilent(int id) {
    return !has(id) || special.get(id);
  }

  boolean isSpecial(int id) {
    return has(id) && special.get(id);
  }

  boolean isByteToken(int id) {
    return has(id) && byteTokens.get(id);
  }

  /** The array itself, not a copy. */
  byte[] bytes(int id) {
    return has(id) ? bytes[id] : NOTHING;
  }

  private boolean has(int id) {
    return id >= 0 && known.get(id);
  }
}
