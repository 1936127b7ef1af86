package dev.tritium.scheduler;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.EngineListener;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.Sampler;
import dev.tritium.engine.Sequence;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StepReport;
import dev.tritium.kernel.RowKernels;
import dev.tritium.model.Batch;
import dev.tritium.model.Batch.Group;
import dev.tritium.model.LanguageModel;
import dev.tritium.tokenizer.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/**
 * Runs many sequences of one model: a bounded queue, first come first served, and one batch for all
 * that run. Any thread may submit and cancel; one thread calls {@link #step}.
 */
public final class Scheduler {
  private static final System.Logger LOG = System.getLogger(Scheduler.class.getName());

  /** Rows that waiting prefills get even when running sequences fill the step. */
  private static final int LEAST_PREFILL_ROWS = 16;

  /** A sequence that waits for a place. */
  private record Waiting(SequenceRequest request, Generation generation) {}

  /** A sequence that runs. */
  private record Running(Sequence sequence, Generation generation) {}

  /** What a step adds to a request. */
  private record Addition(Generation generation, AnswerDelta delta) {
    void publish() {
      if (!delta.isEmpty()) {
        generation.publish(delta);
      }
    }
  }

  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final SchedulerLimits limits;
  private final EngineListener listener;
  private final Sampler sampler;
  private final StepReport report = new StepReport();
  private final List<Running> running = new ArrayList<>(); // in order of arrival
  private final Deque<Waiting> queue = new ArrayDeque<>(); // guarded by itself
  private volatile int runningCount;
  private volatile Runnable wakeEngine = () -> {};

  public Scheduler(
      LanguageModel model,
      Tokenizer tokenizer,
      RowKernels rows,
      SchedulerLimits limits,
      EngineListener listener) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.limits = limits;
    this.listener = listener;
    this.sampler = new Sampler(model.description().vocabularySize(), rows);
  }

  /** Sets what wakes the thread that calls {@link #step} when there is something to do. */
  void onWork(Runnable wake) {
    wakeEngine = wake;
  }

  /** Sequences that run now. */
  public int runningCount() {
    return runningCount;
  }

  /** Sequences in the queue. */
  public int waitingCount() {
    synchronized (queue) {
      return queue.size();
    }
  }

  /**
   * Queues a request of one or more sequences, whose choices are 0, 1, ...
   *
   * @throws QueueFullException if they do not all fit in the queue now; none was queued then
   * @throws IllegalArgumentException if they never will, or a token id is not in the vocabulary
   */
  public Generation submit(List<SequenceRequest> sequences) {
    sequences.forEach(this::requireKnownTokens);
    Generation generation = new Generation(sequences.size(), () -> wakeEngine.run());
    synchronized (queue) {
      if (sequences.size() > limits.maxWaiting()) {
        throw new IllegalArgumentException(
            "%d sequences in one request are more than the queue's %d places"
                .formatted(sequences.size(), limits.maxWaiting()));
      }
      if (queue.size() + sequences.size() > limits.maxWaiting()) {
        throw new QueueFullException(queue.size(), limits.maxWaiting());
      }
      for (SequenceRequest sequence : sequences) {
        queue.add(new Waiting(sequence, generation));
      }
    }
    wakeEngine.run();
    return generation;
  }

  private void requireKnownTokens(SequenceRequest sequence) {
    int vocabulary = model.description().vocabularySize();
    for (int id : sequence.prompt()) {
      if (id < 0 || id >= vocabulary) {
        throw new IllegalArgumentException(
            "token id %d is not in the model's vocabulary of %d".formatted(id, vocabulary));
      }
    }
  }

  /** Ends every request, running or waiting, with a failure. */
  void failAll(Throwable cause) {
    List<Generation> open = new ArrayList<>();
    running.forEach(r -> open.add(r.generation));
    running.clear();
    runningCount = 0;
    synchronized (queue) {
      queue.forEach(waiting -> open.add(waiting.generation));
      queue.clear();
    }
    open.forEach(generation -> generation.fail(cause));
  }

  /**
   * Runs one step: drops what nobody waits for, admits from the queue, runs one batch, draws, tells
   * the listener and then publishes, so that accounts and metrics are complete with the last event.
   *
   * @return false if there was nothing to run
   */
  public boolean step() {
    dropAbandoned();
    admit();
    if (running.isEmpty()) {
      return false;
    }
    long start = System.nanoTime();
    Runnable publish;
    try {
      List<Addition> additions = runBatch();
      publish = () -> additions.forEach(Addition::publish);
    } catch (RuntimeException | Error e) { // out of memory, too, ends only the requests that run
      LOG.log(System.Logger.Level.ERROR, "a step failed; its requests are ended with an error", e);
      report.clear();
      List<Running> failed = List.copyOf(running);
      running.clear();
      publish = () -> failed.forEach(r -> r.generation.fail(e));
    }
    report.setNanos(System.nanoTime() - start);
    listener.stepEnded(report);
    runningCount = running.size();
    publish.run();
    return true;
  }

  /** What the thread that steps may run while there is nothing else to do. */
  WarmUp warmUp() {
    return new WarmUp(model, tokenizer, sampler);
  }

  private void dropAbandoned() {
    synchronized (queue) {
      queue.removeIf(waiting -> waiting.generation.isAbandoned());
    }
    running.removeIf(r -> r.generation.isAbandoned());
    runningCount = running.size();
  }

  private void admit() {
    while (running.size() < limits.maxRunning()) {
      Waiting next;
      synchronized (queue) {
        next = queue.poll();
      }
      if (next == null) {
        break;
      }
      try {
        RequestAccount account = next.generation.account();
        running.add(
            new Running(new Sequence(next.request, account, model, tokenizer), next.generation));
      } catch (RuntimeException | Error e) {
        LOG.log(System.Logger.Level.ERROR, "a request cannot begin; it is ended with an error", e);
        next.generation.fail(e);
      }
    }
    runningCount = running.size();
  }

  private List<Addition> runBatch() {
    report.clear();
    Batch batch = new Batch();
    List<Running> members = new ArrayList<>(running.size());
    for (Running r : running) {
      if (!r.sequence.isPrefilling()) {
        r.sequence.addTo(batch, 1);
        members.add(r);
      }
    }
    int prefillRows = Math.max(limits.stepRows() - batch.rows(), LEAST_PREFILL_ROWS);
    for (Iterator<Running> it = running.iterator(); it.hasNext() && prefillRows > 0; ) {
      Running r = it.next();
      if (r.sequence.isPrefilling()) {
        prefillRows -= r.sequence.addTo(batch, prefillRows).count();
        members.add(r);
      }
    }
    model.forward(batch);
    List<Addition> additions = new ArrayList<>(members.size());
    for (int m = 0; m < members.size(); m++) {
      additions.add(advance(members.get(m), batch, batch.groups().get(m)));
    }
    running.removeIf(r -> r.sequence.isFinished());
    return additions;
  }

  private Addition advance(Running member, Batch batch, Group group) {
    int prefilled = member.sequence.isPrefilling() ? group.count() : 0;
    AnswerDelta delta = member.sequence.advance(batch, group, sampler);
    report.add(member.sequence.account(), prefilled, !delta.tokens().isEmpty());
    return new Addition(member.generation, delta);
  }
}
