package dev.tritium.scheduler;

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
import java.util.List;
import org.jspecify.annotations.Nullable;

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

  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final SchedulerLimits limits;
  private final EngineListener listener;
  private final Sampler sampler;
  private final StepReport report = new StepReport();
  private final List<Running> running = new ArrayList<>(); // in order of arrival
  private final List<Running> members = new ArrayList<>(); // of the step, in its batch's order
  private final Batch batch = new Batch();
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
   * @throws IllegalArgumentException if they never will, their choices are others, or a token id is
   *     not in the vocabulary
   */
  public Generation submit(List<SequenceRequest> sequences) {
    sequences.forEach(this::requireKnownTokens);
    for (int choice = 0; choice < sequences.size(); choice++) {
      if (sequences.get(choice).choice() != choice) {
        throw new IllegalArgumentException(
            "sequence %d of the request has choice %d"
                .formatted(choice, sequences.get(choice).choice()));
      }
    }
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
    members.forEach(r -> open.add(r.generation)); // finished in a step that was not published
    running.clear();
    members.clear();
    batch.clear();
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
    Throwable failure = null;
    try {
      runBatch();
    } catch (RuntimeException | Error e) { // out of memory, too, ends only the requests that run
      LOG.log(System.Logger.Level.ERROR, "a step failed; its requests are ended with an error", e);
      failure = e;
      report.clear();
      members.clear();
      members.addAll(running);
      running.clear();
    }
    report.setNanos(System.nanoTime() - start);
    listener.stepEnded(report);
    runningCount = running.size();
    publish(failure);
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

  private void runBatch() {
    report.clear();
    members.clear();
    batch.clear();
    for (int i = 0; i < running.size(); i++) {
      if (!running.get(i).sequence.isPrefilling()) {
        join(running.get(i), 1);
      }
    }
    int prefillRows = Math.max(limits.stepRows() - batch.rows(), LEAST_PREFILL_ROWS);
    for (int i = 0; i < running.size() && prefillRows > 0; i++) {
      if (running.get(i).sequence.isPrefilling()) {
        prefillRows -= join(running.get(i), prefillRows);
      }
    }
    model.forward(batch);
    for (int m = 0; m < members.size(); m++) {
      advance(members.get(m).sequence, batch.groups().get(m));
    }
    running.removeIf(r -> r.sequence.isFinished());
  }

  /** Adds a sequence to the step with at most {@code rows} rows; returns how many it has. */
  private int join(Running member, int rows) {
    members.add(member);
    return member.sequence.addTo(batch, rows).count();
  }

  private void advance(Sequence sequence, Group group) {
    int prefilled = sequence.isPrefilling() ? group.count() : 0;
    sequence.advance(batch, group, sampler);
    report.add(sequence.account(), prefilled, sequence.added().tokens() > 0);
  }

  /** Tells the step's requests what it added, or why it failed, and forgets them. */
  private void publish(@Nullable Throwable failure) {
    for (int m = 0; m < members.size(); m++) {
      Running member = members.get(m);
      if (failure == null) {
        member.generation.publish(member.sequence.added());
      } else {
        member.generation.fail(failure);
      }
    }
    members.clear();
    batch.clear();
  }
}
