package dev.tritium.grammar;

import org.jspecify.annotations.Nullable;

/** The tokens of a model as bytes; immutable, and made once for a model. */
public final class Vocabulary {
  private static final byte[] NOTHING = {};

  private final byte[][] pieces; // [size], empty for a token that is never part of a document
  private final int[] endTokens;
  private final TokenTrie trie;
  private final boolean[] byteTokens = new boolean[256];

  /**
   * A vocabulary.
   *
   * @param pieces [size], the bytes that each token adds to a text; null for special tokens
   * @param endTokens end a text
   */
  public Vocabulary(byte[] @Nullable [] pieces, int... endTokens) {
    this.pieces = new byte[pieces.length][];
    this.endTokens = endTokens.clone();
    for (int id = 0; id < pieces.length; id++) {
      byte[] piece = pieces[id];
      this.pieces[id] = piece == null ? NOTHING : piece.clone();
    }
    for (int id : endTokens) {
      this.pieces[id] = NOTHING;
    }
    for (byte[] piece : this.pieces) {
      if (piece.length == 1) {
        byteTokens[piece[0] & 0xFF] = true;
      }
    }
    trie = new TokenTrie(this.pieces);
  }

  /** Token ids are below it. */
  public int size() {
    return pieces.length;
  }

  byte[] piece(int token) {
    return pieces[token];
  }

  int[] endTokens() {
    return endTokens;
  }

  TokenTrie trie() {
    return trie;
  }

  /** Whether a byte is a token of its own [256]. */
  boolean[] byteTokens() {
    return byteTokens;
  }
}
