package dev.tritium.api.openai;

import dev.tritium.engine.AnswerBuffer;
import dev.tritium.engine.AnswerDelta;
import org.jspecify.annotations.Nullable;

/** Collects what an answer adds until there is something to show of it. */
final class PendingDeltas {
  private final int choice;
  private final boolean showsTokens;
  private AnswerBuffer pending;

  /**
   * For one choice.
   *
   * @param showsTokens whether tokens without text are worth an event: they have log-probabilities
   */
  PendingDeltas(int choice, boolean showsTokens) {
    this.choice = choice;
    this.showsTokens = showsTokens;
    this.pending = new AnswerBuffer(choice);
  }

  /** Everything since the last event, or null while there is nothing to show. */
  @Nullable AnswerDelta add(AnswerDelta delta) {
    pending.add(delta);
    if (delta.text().isEmpty()
        && delta.finish() == null
        && !(showsTokens && !delta.tokens().isEmpty())) {
      return null;
    }
    AnswerDelta shown = pending.toDelta();
    pending = new AnswerBuffer(choice);
    return shown;
  }
}
