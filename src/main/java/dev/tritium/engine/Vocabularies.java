package dev.tritium.engine;

import dev.tritium.grammar.Vocabulary;
import dev.tritium.tokenizer.Tokenizer;
import java.util.Set;

/** A tokenizer's pieces as grammars see them. */
public final class Vocabularies {
  private Vocabularies() {}

  /**
   * The tokens of a model.
   *
   * @param size number of logits in a row; ids that the tokenizer does not know have no bytes
   * @param eosIds token ids that end a text
   */
  public static Vocabulary of(Tokenizer tokenizer, int size, Set<Integer> eosIds) {
    byte[][] pieces = new byte[size][];
    for (int id = 0; id < size; id++) {
      pieces[id] = tokenizer.isSpecial(id) ? new byte[0] : tokenizer.pieceBytes(id);
    }
    return new Vocabulary(pieces, eosIds.stream().mapToInt(Integer::intValue).toArray());
  }
}
