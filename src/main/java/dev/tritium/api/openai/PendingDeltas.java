package dev.tritium.api.openai;

import dev.tritium.engine.AnswerBuffer;
import dev.tritium.engine.AnswerDelta;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Collects what each answer of a stream adds until there is something to show of it. */
final class PendingDeltas {
  private final List<AnswerBuffer> pending; // by choice
  private final boolean showsTokens;
  private int shownTokens;

  /**
   * For one request.
   *
   * @param showsTokens whether tokens without text are worth an event: they have log-probabilities
   */
  PendingDeltas(int choices, boolean showsTokens) {
    this.pending = IntStream.range(0, choices).mapToObj(AnswerBuffer::new).toList();
    this.showsTokens = showsTokens;
  }

  /** Everything of the answer since its last event, or null while there is nothing to show. */
  @Nullable AnswerDelta add(AnswerDelta delta) {
    AnswerBuffer answer = pending.get(delta.choice());
    answer.add(delta);
    if (delta.text().isEmpty()
        && delta.finish() == null
        && !(showsTokens && !delta.tokens().isEmpty())) {
      return null;
    }
    AnswerDelta shown = answer.toDelta();
    answer.clear();
    shownTokens += shown.tokens().size();
    return shown;
  }

  /** Tokens of all events so far. */
  int shownTokens() {
    return shownTokens;
  }
}
