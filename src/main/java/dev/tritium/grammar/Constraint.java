package dev.tritium.grammar;

/**
 * Where one answer stands in its grammar: which tokens may follow, so that the whole is a document
 * in the end. Used by the thread of its {@link TokenGrammar} alone.
 */
public final class Constraint {
  private final TokenGrammar grammar;
  private Configuration configuration;

  Constraint(TokenGrammar grammar, Configuration configuration) {
    this.grammar = grammar;
    this.configuration = configuration;
  }

  /** An independent constraint that stands at the same place. */
  public Constraint fork() {
    return new Constraint(grammar, configuration);
  }

  /**
   * The tokens that may come next, at least one, as a bit set over the vocabulary; not to be
   * changed. After each of them the document can still be finished with the tokens that are then
   * left. A token that ends texts is one of them where the document is complete.
   *
   * @param tokensLeft tokens of the answer that are still to come, this one included; at least one,
   *     and at least {@link #tokensToFinish}
   */
  public long[] allowed(long tokensLeft) {
    if (tokensLeft < Math.max(1, tokensToFinish())) {
      throw new IllegalArgumentException(
          "%d tokens are left, and the document needs %d".formatted(tokensLeft, tokensToFinish()));
    }
    TokenMask mask = grammar.mask(configuration);
    long spare = tokensLeft - 1 - tokensToFinish();
    if (spare >= mask.highest()) {
      return mask.allowed();
    }
    if (spare < 0) {
      return mask.finishing();
    }
    long[] affordable = mask.allowed().clone();
    for (int i = 0; i < mask.costly().length; i++) {
      if (mask.costs()[i] > spare) {
        affordable[mask.costly()[i] >> 6] &= ~(1L << mask.costly()[i]);
      }
    }
    return affordable;
  }

  /**
   * Takes the next token.
   *
   * @throws IllegalArgumentException if it is not allowed
   */
  public void accept(int token) {
    if (isComplete() && grammar.isEnd(token)) {
      return;
    }
    Configuration next = grammar.next(configuration, token);
    if (next.isDead()) {
      throw new IllegalArgumentException("token %d does not fit".formatted(token));
    }
    configuration = next;
  }

  /** With so many tokens the document can be finished: one for each byte of the shortest way. */
  public long tokensToFinish() {
    return configuration.bytesToFinish;
  }

  /** Whether the tokens so far are a document, which may still go on. */
  public boolean isComplete() {
    return configuration.complete;
  }

  /** Whether the tokens so far are a document, and nothing can follow. */
  public boolean isFinished() {
    return grammar.isFinished(configuration);
  }
}
