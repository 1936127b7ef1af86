package dev.tritium.scheduler;

import dev.tritium.engine.SequenceRequest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The prompts that wait for a place, first come first served. Safe for any threads. */
final class WaitingQueue {
  /** A prompt that waits. */
  record Waiting(SequenceRequest request, Generation generation) {}

  private static final Duration SHORTEST_RETRY = Duration.ofSeconds(1);
  private static final Duration LONGEST_RETRY = Duration.ofSeconds(30); // clients give up at 60

  /** Length of an answer, as long as none has ended. */
  private static final double FIRST_GUESS = 128;

  /** Weight of the last answer in their mean length. */
  private static final double NEWEST = 0.05;

  /** Weight of the last step in the mean time of a row. */
  private static final double NEWEST_STEP = 0.2;

  private final SchedulerLimits limits;
  private final Deque<Waiting> waiting = new ArrayDeque<>();
  private long tokens; // of the prompts that wait
  private @Nullable String closed; // why nothing is taken any more

  // What the engine's steps have shown.
  private int running;
  private long runningRows; // that the prompts and answers that run have still to run
  private int mostRows; // of a step
  private double nanosPerRow; // of steps of at least half as many
  private double answerTokens = FIRST_GUESS;

  WaitingQueue(SchedulerLimits limits) {
    this.limits = limits;
  }

  /**
   * Adds all prompts of a request, or none.
   *
   * @throws QueueFullException if they do not fit now
   * @throws IllegalArgumentException if they never will
   * @throws DrainingException after {@link #close}
   */
  synchronized void add(List<SequenceRequest> prompts, Generation generation) {
    if (closed != null) {
      throw new DrainingException(closed);
    }
    long added = 0;
    for (SequenceRequest prompt : prompts) {
      added += prompt.prompt().length;
    }
    if (prompts.size() > limits.maxWaiting() || added > limits.maxWaitingTokens()) {
      throw new IllegalArgumentException(
          "%d prompts of %d tokens in one request are more than the queue's %d places and %d tokens"
              .formatted(prompts.size(), added, limits.maxWaiting(), limits.maxWaitingTokens()));
    }
    Duration wait = estimatedWait();
    String obstacle = obstacle(prompts.size(), added, wait);
    if (obstacle != null) {
      Duration retry = wait.compareTo(LONGEST_RETRY) < 0 ? wait : LONGEST_RETRY;
      throw new QueueFullException(
          obstacle, retry.compareTo(SHORTEST_RETRY) > 0 ? retry : SHORTEST_RETRY);
    }
    prompts.forEach(prompt -> waiting.add(new Waiting(prompt, generation)));
    tokens += added;
  }

  /** Why a request does not fit now; null if it does. */
  private @Nullable String obstacle(int prompts, long promptTokens, Duration wait) {
    if (waiting.size() + prompts > limits.maxWaiting()) {
      return "the queue is full: %d prompts wait and at most %d may"
          .formatted(waiting.size(), limits.maxWaiting());
    }
    if (tokens + promptTokens > limits.maxWaitingTokens()) {
      return "the queue is full: the prompts that wait have %d tokens and may have %d"
          .formatted(tokens, limits.maxWaitingTokens());
    }
    if (wait.compareTo(limits.maxWait()) > 0) {
      return "the queue is full: a new request would wait for about %d s, and %d s is the limit"
          .formatted(wait.toSeconds(), limits.maxWait().toSeconds());
    }
    return null;
  }

  /** Why the smallest request would be refused now; null if it would not. */
  synchronized @Nullable String fullness() {
    return obstacle(1, 1, estimatedWait());
  }

  /** When the first of those that wait came, by the scheduler's clock; empty if none waits. */
  synchronized OptionalLong firstArrivalNanos() {
    Waiting first = waiting.peek();
    return first == null ? OptionalLong.empty() : OptionalLong.of(first.generation.arrivalNanos());
  }

  /** Takes the first one if it fits. */
  synchronized @Nullable Waiting pollIf(Predicate<SequenceRequest> fits) {
    Waiting first = waiting.peek();
    if (first == null || !fits.test(first.request)) {
      return null;
    }
    waiting.remove();
    tokens -= first.request.prompt().length;
    return first;
  }

  /** Forgets those whose request is over. */
  synchronized void dropIf(Predicate<Generation> isOver) {
    if (waiting.isEmpty()) {
      return;
    }
    waiting.removeIf(
        next -> {
          boolean over = isOver.test(next.generation);
          tokens -= over ? next.request.prompt().length : 0;
          return over;
        });
  }

  /** Takes all out. */
  synchronized List<Waiting> clear() {
    List<Waiting> all = new ArrayList<>(waiting);
    waiting.clear();
    tokens = 0;
    return all;
  }

  /** Refuses whatever comes from now on. */
  synchronized void close(String why) {
    closed = why;
  }

  synchronized int size() {
    return waiting.size();
  }

  /** Tokens of the prompts that wait. */
  synchronized long tokens() {
    return tokens;
  }

  /** Takes note of a step. Small ones say little of the full ones that others wait for. */
  synchronized void stepped(int rows, long nanos) {
    if (2 * rows < Math.min(mostRows, limits.maxRunning())) {
      return;
    }
    double weight = rows > 2 * mostRows ? 1 : NEWEST_STEP;
    nanosPerRow += weight * ((double) nanos / rows - nanosPerRow);
    mostRows = Math.max(mostRows, rows);
  }

  /**
   * Takes note of the answers that run, and of the rows that they and prompts have still to run.
   */
  synchronized void runs(int running, long runningRows) {
    this.running = running;
    this.runningRows = runningRows;
  }

  /** Takes note of an answer that has ended. */
  synchronized void answered(int tokens) {
    answerTokens = (1 - NEWEST) * answerTokens + NEWEST * tokens;
  }

  /** Rows that an answer of at most {@code maxTokens} will take, as answers go. */
  synchronized long expectedRows(int maxTokens) {
    return (long) Math.min(maxTokens, answerTokens);
  }

  /**
   * How long a request that came now would wait for a place. Before it there are answers that run
   * or wait; so many of them must end that it is one of {@code maxRunning}. All are taken to have
   * an equal share of the rows that are left.
   */
  synchronized Duration estimatedWait() {
    long ahead = running;
    double rows = runningRows;
    for (Waiting next : waiting) {
      SequenceRequest request = next.request;
      ahead += request.answers();
      rows += request.prompt().length;
      rows += (double) request.answers() * expectedRows(request.stop().maxTokens());
    }
    long mustEnd = ahead - limits.maxRunning() + 1;
    if (mustEnd <= 0) {
      return Duration.ZERO;
    }
    return Duration.ofNanos((long) (rows * mustEnd / ahead * nanosPerRow));
  }
}
