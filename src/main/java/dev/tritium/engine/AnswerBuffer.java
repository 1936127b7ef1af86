package dev.tritium.engine;

import dev.tritium.engine.AnswerDelta.AnswerToken;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Collects what one answer gains; each gain costs what it holds, however much is there already. Its
 * memory is used again once it was cleared.
 */
public final class AnswerBuffer {
  private final int choice;
  private final List<TokenLogprob> prompt = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private int tokens;
  private int[] ids = new int[16]; // [tokens]
  private int[] textOffsets = new int[16]; // [tokens]
  private int[] starts = new int[16]; // [tokens] of their text in text
  private @Nullable TokenLogprob[] logprobs = new TokenLogprob[16]; // [tokens]
  private @Nullable FinishReason finish;

  public AnswerBuffer(int choice) {
    this.choice = choice;
  }

  public int choice() {
    return choice;
  }

  /** Number of tokens. */
  public int tokens() {
    return tokens;
  }

  /** The text, to be appended to. */
  StringBuilder text() {
    return text;
  }

  public @Nullable FinishReason finish() {
    return finish;
  }

  void finish(FinishReason reason) {
    finish = reason;
  }

  void addPrompt(TokenLogprob logprob) {
    prompt.add(logprob);
  }

  /** Adds a token, whose text comes next; see {@link AnswerToken}. */
  void addToken(int id, int textOffset, @Nullable TokenLogprob logprob) {
    addToken(id, textOffset, logprob, text.length());
  }

  private void addToken(int id, int textOffset, @Nullable TokenLogprob logprob, int start) {
    if (tokens == ids.length) {
      ids = Arrays.copyOf(ids, 2 * tokens);
      textOffsets = Arrays.copyOf(textOffsets, 2 * tokens);
      logprobs = Arrays.copyOf(logprobs, 2 * tokens);
      starts = Arrays.copyOf(starts, 2 * tokens);
    }
    ids[tokens] = id;
    textOffsets[tokens] = textOffset;
    starts[tokens] = start;
    logprobs[tokens++] = logprob;
  }

  /** Adds the answer's next delta. */
  public void add(AnswerDelta delta) {
    prompt.addAll(delta.prompt());
    for (AnswerToken token : delta.tokens()) {
      addToken(token.id(), token.textOffset(), token.logprob());
    }
    text.append(delta.text());
    finish = delta.finish();
  }

  /** Adds what another buffer of the answer has. */
  public void add(AnswerBuffer next) {
    for (int i = 0; i < next.prompt.size(); i++) {
      prompt.add(next.prompt.get(i));
    }
    int start = text.length();
    for (int t = 0; t < next.tokens; t++) {
      addToken(next.ids[t], next.textOffsets[t], next.logprobs[t], start + next.starts[t]);
    }
    text.append(next.text);
    finish = next.finish;
  }

  /** Whether it has nothing, as after part of a prompt. */
  public boolean isEmpty() {
    return prompt.isEmpty() && text.isEmpty() && tokens == 0 && finish == null;
  }

  public void clear() {
    prompt.clear();
    text.setLength(0);
    Arrays.fill(logprobs, 0, tokens, null);
    tokens = 0;
    finish = null;
  }

  /** Everything that was added, as one delta. */
  public AnswerDelta toDelta() {
    List<AnswerToken> list = new ArrayList<>(tokens);
    for (int t = 0; t < tokens; t++) {
      list.add(token(t));
    }
    return new AnswerDelta(choice, List.copyOf(prompt), text.toString(), List.copyOf(list), finish);
  }

  /** The same as one delta for each token. */
  public List<AnswerDelta> toDeltas() {
    if (tokens <= 1) {
      return List.of(toDelta());
    }
    List<AnswerDelta> deltas = new ArrayList<>(tokens);
    for (int t = 0; t < tokens; t++) {
      boolean last = t == tokens - 1;
      int from = t == 0 ? 0 : starts[t];
      deltas.add(
          new AnswerDelta(
              choice,
              t == 0 ? List.copyOf(prompt) : List.of(),
              text.substring(from, last ? text.length() : starts[t + 1]),
              List.of(token(t)),
              last ? finish : null));
    }
    return deltas;
  }

  private AnswerToken token(int t) {
    return new AnswerToken(ids[t], textOffsets[t], logprobs[t]);
  }
}
