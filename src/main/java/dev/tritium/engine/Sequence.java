package dev.tritium.engine;

import dev.tritium.grammar.Constraint;
import dev.tritium.model.Batch;
import dev.tritium.model.Batch.Group;
import dev.tritium.model.SequenceState;
import dev.tritium.tokenizer.IncrementalDecoder;
import dev.tritium.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One prompt and an answer to it while it runs: prefill in chunks, then a token a step. More
 * answers to the same prompt are forks, which begin when the prompt has been run. Used by the
 * engine's thread alone.
 */
public final class Sequence {
  private static final int[] NONE = {};
  private static final int[] FIRST_ROW = {0};

  /** Room for that many tokens of an answer at first. */
  private static final int ANSWER_ROOM = 256;

  private final SequenceRequest request;
  private final int choice;
  private final RequestAccount account;
  private final SequenceState state;
  private final @Nullable Penalties penalties;
  private final @Nullable Constraint constraint;
  private final IncrementalDecoder decoder;
  private final int[] stopTokens; // ascending
  private final StopStrings stopStrings;
  private final StringBuilder decoded = new StringBuilder(); // of one step
  private final AnswerBuffer added;
  private int[] tokens; // the prompt, then answerTokens of the answer
  private int run; // of them were run into the state
  private int answerTokens;
  private boolean finished;

  /**
   * A sequence that has not run anything yet.
   *
   * @param state after the first tokens of the prompt, at least the last of which is still to be
   *     run
   * @param vocabulary number of logits in a row
   */
  public Sequence(
      SequenceRequest request,
      RequestAccount account,
      SequenceState state,
      int vocabulary,
      Tokenizer tokenizer) {
    int[] prompt = request.prompt();
    this.request = request;
    this.choice = request.choice();
    this.account = account;
    this.state = state;
    this.run = (int) state.tokenCount();
    if (run >= prompt.length) {
      throw new IllegalArgumentException(
          "a state after %d tokens, of a prompt of %d".formatted(run, prompt.length));
    }
    int room = Math.min(request.stop().maxTokens(), ANSWER_ROOM);
    this.tokens = Arrays.copyOf(prompt, prompt.length + room);
    this.penalties = Penalties.of(request.sampling(), vocabulary, prompt);
    this.constraint = request.grammar() == null ? null : request.grammar().newConstraint();
    this.decoder = IncrementalDecoder.start(tokenizer, prompt);
    this.stopTokens =
        request.stop().stopTokens().stream().mapToInt(Integer::intValue).sorted().toArray();
    this.stopStrings = new StopStrings(request.stop().stopStrings());
    this.added = new AnswerBuffer(choice);
  }

  private Sequence(Sequence origin, int choice) {
    this.request = origin.request;
    this.choice = choice;
    this.account = origin.account;
    this.state = origin.state.copy();
    this.penalties = origin.penalties == null ? null : origin.penalties.copy();
    this.constraint = origin.constraint == null ? null : origin.constraint.fork();
    this.decoder = origin.decoder.fork();
    this.stopTokens = origin.stopTokens;
    this.stopStrings = origin.stopStrings.copy();
    this.added = new AnswerBuffer(choice);
    this.tokens = origin.tokens.clone();
    this.run = origin.run;
    this.answerTokens = origin.answerTokens;
    this.finished = origin.finished;
  }

  /**
   * An independent sequence that goes on from here as another choice of the same request. Model
   * state, penalties, constraint, decoder and held text fork together; the choice has its own
   * random numbers.
   */
  public Sequence fork(int choice) {
    return new Sequence(this, choice);
  }

  /** The account of the request this sequence belongs to. */
  public RequestAccount account() {
    return account;
  }

  public SequenceRequest request() {
    return request;
  }

  /** The running state. */
  public SequenceState state() {
    return state;
  }

  /** The prompt and what was drawn; only the first {@link #run} count, and it may be replaced. */
  public int[] tokens() {
    return tokens;
  }

  /** Number of tokens that were run; the last token that was drawn never was. */
  public int run() {
    return run;
  }

  /** Prompt tokens that are still to be run. */
  public int promptLeft() {
    return Math.max(0, request.prompt().length - run);
  }

  /** Whether part of the prompt has still to be run. */
  public boolean isPrefilling() {
    return promptLeft() > 0;
  }

  /** Tokens of the answer. */
  public int answerTokens() {
    return answerTokens;
  }

  public boolean isFinished() {
    return finished;
  }

  /**
   * Adds the sequence's next rows to a batch: one when it decodes, else {@code rows}, no more than
   * the prompt has left.
   *
   * @param snapshotRows of these rows, ascending: those after which the state is copied
   */
  public Group addTo(Batch batch, int rows, int[] snapshotRows) {
    if (!isPrefilling()) {
      return batch.add(state, tokens, run, 1, FIRST_ROW, snapshotRows);
    }
    int count = Math.min(rows, promptLeft());
    boolean last = count == promptLeft();
    boolean draws = last && request.stop().maxTokens() > 0;
    int[] wanted = Batch.NONE;
    if (request.logprobs().prompt()) {
      wanted = IntStream.range(0, last && !draws ? count - 1 : count).toArray();
    } else if (draws) {
      wanted = new int[] {count - 1};
    }
    return batch.add(state, tokens, run, count, wanted, snapshotRows);
  }

  /**
   * Takes the results of the group that {@link #addTo} added. Without log-probabilities nothing is
   * allocated while it decodes.
   *
   * @return the forks that began: with the prompt's last row all but the first of its answers, each
   *     with its first token, else none
   */
  public List<Sequence> advance(Batch batch, Group group, Sampler sampler) {
    added.clear();
    float[] logits = batch.logits().values();
    boolean prefilled = isPrefilling();
    if (prefilled && request.logprobs().prompt()) {
      addPromptLogprobs(logits, group, sampler);
    }
    run += group.count();
    if (prefilled) {
      account.addPrefilled(group.count());
    }
    if (isPrefilling()) {
      return List.of();
    }
    List<Sequence> forks = List.of();
    if (prefilled && request.answers() > 1) {
      forks = IntStream.range(1, request.answers()).mapToObj(k -> fork(choice + k)).toList();
    }
    drawOrEnd(logits, group, sampler);
    for (int k = 0; k < forks.size(); k++) {
      forks.get(k).drawOrEnd(logits, group, sampler);
    }
    return forks;
  }

  private void drawOrEnd(float[] logits, Group group, Sampler sampler) {
    if (request.stop().maxTokens() == 0) {
      finish(FinishReason.LENGTH);
    } else {
      draw(logits, group.logitsAt(group.logitRows().length - 1), sampler);
    }
  }

  /** What the last {@link #advance} added to the answer; the next one overwrites it. */
  public AnswerBuffer added() {
    return added;
  }

  private void addPromptLogprobs(float[] logits, Group group, Sampler sampler) {
    for (int i = 0; i < group.logitRows().length; i++) {
      int next = run + group.logitRows()[i] + 1;
      if (next < request.prompt().length) {
        added.addPrompt(
            sampler.logprob(
                logits, group.logitsAt(i), request.prompt()[next], request.logprobs().top()));
      }
    }
  }

  private void draw(float[] logits, int at, Sampler sampler) {
    StopRules stop = request.stop();
    boolean mayStop = answerTokens >= stop.minTokens();
    int id =
        sampler.sample(
            logits,
            at,
            request.sampling(),
            penalties,
            mayStop ? NONE : stopTokens,
            constraint == null ? null : constraint.allowed(stop.maxTokens() - answerTokens),
            choice,
            answerTokens);
    if (request.logprobs().answer()) {
      TokenLogprob logprob = sampler.logprob(logits, at, id, request.logprobs().top());
      added.addToken(id, decoder.length(), logprob);
    } else {
      added.addToken(id, 0, null);
    }
    int end = request.prompt().length + answerTokens++;
    if (end == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * end);
    }
    tokens[end] = id;
    account.addAnswerToken();
    if (penalties != null) {
      penalties.add(id);
    }
    if (constraint != null) {
      constraint.accept(id);
    }
    boolean stopped = Arrays.binarySearch(stopTokens, id) >= 0;
    boolean ends =
        stopped
            || answerTokens == stop.maxTokens()
            || (constraint != null && constraint.isFinished());
    addText(id, stopped, ends);
    if (stopStrings.found()) {
      finish(FinishReason.STOP);
    } else if (ends) {
      stopStrings.finish(added.text());
      boolean whole = stopped || (constraint != null && constraint.isComplete());
      finish(whole ? FinishReason.STOP : FinishReason.LENGTH);
    }
  }

  /** Adds what of a token's text can be sent; stop strings count once min_tokens are there. */
  private void addText(int id, boolean stopped, boolean ends) {
    decoded.setLength(0);
    if (!stopped) {
      decoder.accept(id, decoded);
    }
    if (ends) {
      decoder.finish(decoded);
    }
    if (answerTokens > request.stop().minTokens()) {
      stopStrings.accept(decoded, added.text());
    } else {
      added.text().append(decoded);
    }
  }

  private void finish(FinishReason reason) {
    finished = true;
    added.finish(reason);
  }
}
