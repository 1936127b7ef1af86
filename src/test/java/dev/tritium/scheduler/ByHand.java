package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerBuffer;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.AnswerDelta.AnswerToken;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.Sampler;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.Sequence;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StepReport;
import dev.tritium.engine.StopRules;
import dev.tritium.kernel.RowKernels;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.model.Batch;
import dev.tritium.model.LanguageModel;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Models;
import dev.tritium.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** For tests that step a scheduler by hand: no threads, no real time. */
abstract class ByHand {
  /** Enough for any test's prefix cache. */
  static final long PLENTY = 1L << 40;

  static Tokenizer tokenizer;

  /** Random logits that depend on all tokens, so that an answer tells whether all were run. */
  FakeModel model = FakeModel.random();

  final FakeClock clock = new FakeClock();

  /** What the scheduler's steps ran. */
  final List<Step> steps = new ArrayList<>();

  @BeforeAll
  static void openTokenizer() {
    tokenizer = Tokenizer.open(Models.BUNDLED);
  }

  @AfterAll
  static void closeTokenizer() {
    tokenizer.close();
  }

  /** Time that moves only when it is told to, and with the rows that are run. */
  final class FakeClock implements Clock {
    long now = 1;
    long nanosPerCall;
    long nanosPerRow;

    @Override
    public long nanos() {
      return now + nanosPerCall * model.rowsOfCalls().size() + nanosPerRow * rowsRun();
    }

    @Override
    public long cpuNanos() {
      return nanos() - now; // one CPU is busy while rows run
    }

    void pass(Duration time) {
      now += time.toNanos();
    }
  }

  /** What one step's report said. */
  record Step(
      long nanos,
      int prefillRows,
      int drawn,
      int abandonedRows,
      int begunPromptTokens,
      int begunCachedTokens) {
    static Step of(StepReport report) {
      int prefillRows = 0;
      int drawn = 0;
      for (int g = 0; g < report.groups(); g++) {
        prefillRows += report.prefillRows(g);
        drawn += report.drawn(g);
      }
      return new Step(
          report.nanos(),
          prefillRows,
          drawn,
          report.abandonedRows(),
          report.begunPromptTokens(),
          report.begunCachedTokens());
    }
  }

  Scheduler scheduler(SchedulerLimits limits) {
    return scheduler(limits, new ScalarRowKernels());
  }

  Scheduler scheduler(SchedulerLimits limits, RowKernels rows) {
    return new Scheduler(
        model, tokenizer, rows, limits, report -> steps.add(Step.of(report)), clock);
  }

  /** A scheduler with a prefix cache. */
  Scheduler caching(int stepRows, int cacheChunk) {
    return scheduler(Schedulers.limits(64, 1_000, stepRows, PLENTY, cacheChunk));
  }

  static int[] prompt(long seed, int length) {
    return new SplittableRandom(seed).ints(length, 300, FakeModel.VOCABULARY).toArray();
  }

  static int[] join(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  static SequenceRequest request(int[] prompt, int answers, int maxTokens) {
    return request(prompt, answers, maxTokens, "", new Logprobs(2, true, false));
  }

  static SequenceRequest request(
      int[] prompt, int answers, int maxTokens, String salt, Logprobs logprobs) {
    Sampling sampling = new Sampling(1, 0, 1, 0, 1, 1.2, 0.3, 0.3, Map.of(), prompt.length);
    StopRules stop = new StopRules(maxTokens, 0, List.of(), Set.of());
    return new SequenceRequest(prompt, 0, answers, salt, sampling, stop, logprobs);
  }

  /** Submits a prompt with one answer. */
  static Generation submit(Scheduler scheduler, int[] prompt, int maxTokens) {
    return scheduler.submit(List.of(request(prompt, 1, maxTokens)));
  }

  /** Submits a prompt with one answer and runs it to its end. */
  static Generation run(Scheduler scheduler, int[] prompt, int maxTokens) {
    Generation generation = submit(scheduler, prompt, maxTokens);
    runAll(scheduler);
    return generation;
  }

  static void step(Scheduler scheduler, int times) {
    for (int i = 0; i < times; i++) {
      assertTrue(scheduler.step(), "step " + i + " of " + times + " had nothing to do");
    }
  }

  /** Steps until there is nothing to do; returns how many times there was. */
  static int runAll(Scheduler scheduler) {
    int count = 0;
    while (scheduler.step()) {
      assertTrue(++count < 100_000, "it never ends");
    }
    return count;
  }

  /** Rows of all forward calls so far. */
  int rowsRun() {
    return model.rowsOfCalls().stream().mapToInt(Integer::intValue).sum();
  }

  /** What can be read of a request's answers. */
  static List<AnswerDelta> read(Generation generation) {
    return join(List.of(generation.poll()));
  }

  /** The deltas of a request, joined to its answers in the order of their choices. */
  static List<AnswerDelta> join(List<List<AnswerDelta>> polls) {
    Map<Integer, AnswerBuffer> answers = new TreeMap<>();
    for (List<AnswerDelta> deltas : polls) {
      deltas.forEach(d -> answers.computeIfAbsent(d.choice(), AnswerBuffer::new).add(d));
    }
    return answers.values().stream().map(AnswerBuffer::toDelta).toList();
  }

  static int[] ids(AnswerDelta answer) {
    return answer.tokens().stream().mapToInt(AnswerToken::id).toArray();
  }

  /** The answers of a request, each from a sequence that runs alone, without any scheduler. */
  static List<AnswerDelta> alone(SequenceRequest... prompts) {
    return Arrays.stream(prompts)
        .flatMap(prompt -> alone(FakeModel.random(), prompt, tokenizer).stream())
        .toList();
  }

  /** The answers to a prompt, each from a sequence that runs alone, without any scheduler. */
  static List<AnswerDelta> alone(LanguageModel model, SequenceRequest prompt, Tokenizer tokenizer) {
    int vocabulary = model.description().vocabularySize();
    Sampler sampler = new Sampler(vocabulary, new ScalarRowKernels());
    List<AnswerDelta> answers = new ArrayList<>();
    for (int k = 0; k < prompt.answers(); k++) {
      SequenceRequest one =
          new SequenceRequest(
              prompt.prompt(),
              prompt.choice() + k,
              prompt.sampling(),
              prompt.stop(),
              k == 0 ? prompt.logprobs() : answerOnly(prompt.logprobs()));
      RequestAccount account = new RequestAccount(prompt.prompt().length, null);
      Sequence sequence = new Sequence(one, account, model.newState(), vocabulary, tokenizer);
      AnswerBuffer answer = new AnswerBuffer(one.choice());
      Batch batch = new Batch();
      while (!sequence.isFinished()) {
        batch.clear();
        Batch.Group group = sequence.addTo(batch, prompt.prompt().length, Batch.NONE);
        model.forward(batch);
        sequence.advance(batch, group, sampler);
        answer.add(sequence.added());
      }
      answers.add(answer.toDelta());
    }
    return answers;
  }

  /** A prompt's own log-probabilities come with its first answer alone. */
  private static Logprobs answerOnly(Logprobs logprobs) {
    return new Logprobs(logprobs.top(), logprobs.answer(), false);
  }

  /** Nothing runs, waits or is reserved, and all snapshots that live are the cache's. */
  void assertAtRest(Scheduler scheduler) {
    assertTrue(scheduler.isIdle());
    assertEquals(0, scheduler.runningCount());
    assertEquals(0, scheduler.waitingCount());
    assertEquals(0, scheduler.waitingTokens());
    assertEquals(scheduler.cache().snapshots(), model.liveSnapshots(), "snapshots");
  }
}
