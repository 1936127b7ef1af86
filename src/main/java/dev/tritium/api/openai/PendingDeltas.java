package dev.tritium.api.openai;

import dev.tritium.engine.AnswerDelta;
import org.jspecify.annotations.Nullable;

/** Collects what an answer adds until there is something to show of it. */
final class PendingDeltas {
  private final boolean showsTokens;
  private @Nullable AnswerDelta pending;

  /**
   * For one choice.
   *
   * @param showsTokens whether tokens without text are worth an event: they have log-probabilities
   */
  PendingDeltas(boolean showsTokens) {
    this.showsTokens = showsTokens;
  }

  /** Everything since the last event, or null while there is nothing to show. */
  @Nullable AnswerDelta add(AnswerDelta delta) {
    AnswerDelta all = pending == null ? delta : pending.then(delta);
    boolean shows =
        !all.text().isEmpty() || all.finish() != null || (showsTokens && !all.tokens().isEmpty());
    pending = shows ? null : all;
    return shows ? all : null;
  }
}
