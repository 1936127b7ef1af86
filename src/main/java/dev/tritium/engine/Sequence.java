package dev.tritium.engine;

import dev.tritium.engine.AnswerDelta.AnswerToken;
import dev.tritium.model.Batch;
import dev.tritium.model.Batch.Group;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.SequenceState;
import dev.tritium.tokenizer.IncrementalDecoder;
import dev.tritium.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
  private int promptRun; // prompt tokens that were run
  private int lastToken;
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
    this.promptRun = origin.promptRun;
    this.lastToken = origin.lastToken;
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
      return batch.add(state, new int[] {lastToken}, FIRST_ROW, Batch.NONE);
    }
    int[] prompt = request.prompt();
    int count = Math.min(rows, prompt.length - promptRun);
    int[] tokens = Arrays.copyOfRange(prompt, promptRun, promptRun + count);
    boolean last = promptRun + count == prompt.length;
    boolean draws = last && request.stop().maxTokens() > 0;
    int[] wanted = Batch.NONE;
    if (request.logprobs().prompt()) {
      wanted = IntStream.range(0, last && !draws ? count - 1 : count).toArray();
    } else if (draws) {
      wanted = new int[] {count - 1};
    }
    return batch.add(state, tokens, wanted, Batch.NONE);
  }

  /** Takes the results of the group that {@link #addTo} added: what it adds to the answer. */
  public AnswerDelta advance(Batch batch, Group group, Sampler sampler) {
    float[] logits = batch.logits().values();
    List<TokenLogprob> promptLogprobs = List.of();
    if (isPrefilling()) {
      if (request.logprobs().prompt()) {
        promptLogprobs = promptLogprobs(logits, group, sampler);
      }
      promptRun += group.count();
      account.addPromptTokens(group.count());
      if (isPrefilling()) {
        return new AnswerDelta(request.choice(), promptLogprobs, "", List.of(), null);
      }
      if (request.stop().maxTokens() == 0) {
        finished = true;
        return new AnswerDelta(
            request.choice(), promptLogprobs, "", List.of(), FinishReason.LENGTH);
      }
    }
    return draw(logits, group.logitsAt(group.logitRows().length - 1), sampler, promptLogprobs);
  }

  private List<TokenLogprob> promptLogprobs(float[] logits, Group group, Sampler sampler) {
    List<TokenLogprob> list = new ArrayList<>(group.count());
    for (int i = 0; i < group.logitRows().length; i++) {
      int next = promptRun + group.logitRows()[i] + 1;
      if (next < request.prompt().length) {
        list.add(
            sampler.logprob(
                logits, group.logitsAt(i), request.prompt()[next], request.logprobs().top()));
      }
    }
    return list;
  }

  private AnswerDelta draw(
      float[] logits, int at, Sampler sampler, List<TokenLogprob> promptLogprobs) {
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
    TokenLogprob logprob =
        request.logprobs().answer()
            ? sampler.logprob(logits, at, id, request.logprobs().top())
            : null;
    int textOffset = logprob == null ? 0 : decoder.length();
    AnswerToken token = new AnswerToken(id, textOffset, logprob);
    lastToken = id;
    answerTokens++;
    account.addAnswerToken();
    if (penalties != null) {
      penalties.add(id);
    }
    FinishReason finish = null;
    String text;
    if (Arrays.binarySearch(stopTokens, id) >= 0) {
      finish = FinishReason.STOP;
      text = release(decoder.finish());
    } else {
      text = release(decoder.accept(id));
      if (answerTokens == stop.maxTokens()) {
        finish = FinishReason.LENGTH;
        text += release(decoder.finish());
      }
    }
    if (stopStrings.found()) {
      finish = FinishReason.STOP;
    } else if (finish != null) {
      text += stopStrings.finish();
    }
    finished = finish != null;
    return new AnswerDelta(request.choice(), promptLogprobs, text, List.of(token), finish);
  }

  /** What of newly decoded text can be sent; stop strings count once min_tokens are there. */
  private String release(String decoded) {
    return answerTokens > request.stop().minTokens() ? stopStrings.accept(decoded) : decoded;
  }
}
