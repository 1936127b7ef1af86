package dev.tritium.engine;

import dev.tritium.engine.AnswerDelta.AnswerToken;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Collects the deltas of one answer; each costs what it holds, however much is there already. */
public final class AnswerBuffer {
  private final int choice;
  private final List<TokenLogprob> prompt = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private final List<AnswerToken> tokens = new ArrayList<>();
  private @Nullable FinishReason finish;

  public AnswerBuffer(int choice) {
    this.choice = choice;
  }

  /** Adds the answer's next delta. */
  public void add(AnswerDelta delta) {
    prompt.addAll(delta.prompt());
    text.append(delta.text());
    tokens.addAll(delta.tokens());
    finish = delta.finish();
  }

  /** Everything that was added, as one delta. */
  public AnswerDelta toDelta() {
    return new AnswerDelta(
        choice, List.copyOf(prompt), text.toString(), List.copyOf(tokens), finish);
  }
}
