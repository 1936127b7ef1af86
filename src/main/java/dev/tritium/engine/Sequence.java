package dev.tritium.engine;

import dev.tritium.model.Batch;
import dev.tritium.model.Batch.Group;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.SequenceState;
import dev.tritium.tokenizer.IncrementalDecoder;
import dev.tritium.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One prompt and its answer while it runs: prefill in chunks, then a token a step. Used by the
 * engine's thread alone.
 */
public final class Sequence {
  private static final int[] NONE = {};
  private static final int[] FIRST_ROW = {0};

  private final SequenceRequest request;
  private final RequestAccount account;
  private final LanguageModel model;
  private final SequenceState state;
  private final @Nullable Penalties penalties;
  private final IncrementalDecoder decoder;
  private final int[] stopTokens; // ascending
  private final StopStrings stopStrings;
  private final StringBuilder decoded = new StringBuilder(); // of one step
  private final AnswerBuffer added;
  private int promptRun; // prompt tokens that were run
  private final int[] lastToken = new int[1];
  private int answerTokens;
  private boolean finished;

  public Sequence(
      SequenceRequest request, RequestAccount account, LanguageModel model, Tokenizer tokenizer) {
    this.request = request;
    this.account = account;
    this.model = model;
    this.state = model.newState();
    this.penalties =
        Penalties.of(request.sampling(), model.description().vocabularySize(), request.prompt());
    this.decoder = IncrementalDecoder.start(tokenizer, request.prompt());
    this.stopTokens =
        request.stop().stopTokens().stream().mapToInt(Integer::intValue).sorted().toArray();
    this.stopStrings = new StopStrings(request.stop().stopStrings());
    this.added = new AnswerBuffer(request.choice());
  }

  private Sequence(Sequence origin, int choice) {
    this.request = origin.request.withChoice(choice);
    this.account = origin.account;
    this.model = origin.model;
    this.state = model.restore(origin.state.snapshot());
    this.penalties = origin.penalties == null ? null : origin.penalties.copy();
    this.decoder = origin.decoder.fork();
    this.stopTokens = origin.stopTokens;
    this.stopStrings = origin.stopStrings.copy();
    this.added = new AnswerBuffer(choice);
    this.promptRun = origin.promptRun;
    this.lastToken[0] = origin.lastToken[0];
    this.answerTokens = origin.answerTokens;
    this.finished = origin.finished;
  }

  /**
   * An independent sequence that goes on from here as another choice of the same request. Model
   * state, penalties, decoder and held text fork together; the choice has its own random numbers.
   */
  public Sequence fork(int choice) {
    return new Sequence(this, choice);
  }

  /** The account of the request this sequence belongs to. */
  public RequestAccount account() {
    return account;
  }

  /** Whether part of the prompt has still to be run. */
  public boolean isPrefilling() {
    return promptRun < request.prompt().length;
  }

  public boolean isFinished() {
    return finished;
  }

  /** Adds the sequence's next rows to a batch: one when it decodes, else at most {@code rows}. */
  public Group addTo(Batch batch, int rows) {
    if (!isPrefilling()) {
      return batch.add(state, lastToken, FIRST_ROW, Batch.NONE);
    }
    int[] prompt = request.prompt();
    int count = Math.min(rows, prompt.length - promptRun);
    boolean last = promptRun + count == prompt.length;
    boolean draws = last && request.stop().maxTokens() > 0;
    int[] wanted = Batch.NONE;
    if (request.logprobs().prompt()) {
      wanted = IntStream.range(0, last && !draws ? count - 1 : count).toArray();
    } else if (draws) {
      wanted = new int[] {count - 1};
    }
    return batch.add(state, prompt, promptRun, count, wanted, Batch.NONE);
  }

  /**
   * Takes the results of the group that {@link #addTo} added. Without log-probabilities nothing is
   * allocated.
   */
  public void advance(Batch batch, Group group, Sampler sampler) {
    added.clear();
    float[] logits = batch.logits().values();
    if (isPrefilling()) {
      if (request.logprobs().prompt()) {
        addPromptLogprobs(logits, group, sampler);
      }
      promptRun += group.count();
      account.addPromptTokens(group.count());
      if (isPrefilling()) {
        return;
      }
      if (request.stop().maxTokens() == 0) {
        finish(FinishReason.LENGTH);
        return;
      }
    }
    draw(logits, group.logitsAt(group.logitRows().length - 1), sampler);
  }

  /** What the last {@link #advance} added to the answer; the next one overwrites it. */
  public AnswerBuffer added() {
    return added;
  }

  private void addPromptLogprobs(float[] logits, Group group, Sampler sampler) {
    for (int i = 0; i < group.logitRows().length; i++) {
      int next = promptRun + group.logitRows()[i] + 1;
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
            request.choice(),
            answerTokens);
    if (request.logprobs().answer()) {
      TokenLogprob logprob = sampler.logprob(logits, at, id, request.logprobs().top());
      added.addToken(id, decoder.length(), logprob);
    } else {
      added.addToken(id, 0, null);
    }
    lastToken[0] = id;
    answerTokens++;
    account.addAnswerToken();
    if (penalties != null) {
      penalties.add(id);
    }
    boolean stopped = Arrays.binarySearch(stopTokens, id) >= 0;
    boolean ends = stopped || answerTokens == stop.maxTokens();
    addText(id, stopped, ends);
    if (stopStrings.found()) {
      finish(FinishReason.STOP);
    } else if (ends) {
      stopStrings.finish(added.text());
      finish(stopped ? FinishReason.STOP : FinishReason.LENGTH);
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
