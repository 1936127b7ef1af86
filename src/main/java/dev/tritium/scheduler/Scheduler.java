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
import dev.tritium.model.SequenceState;
import dev.tritium.scheduler.PrefixSharing.Follower;
import dev.tritium.scheduler.WaitingQueue.Waiting;
import dev.tritium.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Runs many sequences of one model: a bounded queue, first come first served, and one batch for all
 * that run. What prompts have in common is run once: states after prefixes are kept, and a prompt
 * waits for one that is just computing what it needs. Any thread may submit and cancel; one thread
 * calls {@link #step}.
 */
public final class Scheduler {
  private static final System.Logger LOG = System.getLogger(Scheduler.class.getName());

  private final LanguageModel model;
  private final int vocabulary;
  private final Tokenizer tokenizer;
  private final SchedulerLimits limits;
  private final EngineListener listener;
  private final Clock clock;
  private final Sampler sampler;
  private final StepReport report = new StepReport();
  private final List<Member> running = new ArrayList<>(); // in order of arrival
  private final List<Follower> followers = new ArrayList<>(); // in order of arrival
  private final List<Member> members = new ArrayList<>(); // of the step, in its batch's order
  private final Batch batch = new Batch();
  private final WaitingQueue queue;
  private final StepBudget budget;
  private final PrefixSharing prefixes;
  private final List<Generation> late = new ArrayList<>(); // to be ended when it is over
  private final Predicate<Generation> isOver = this::isOver; // made once: steps allocate nothing
  private final Predicate<Follower> isFollowerOver = this::isOver;
  private final Predicate<SequenceRequest> hasRoom = this::hasRoomFor;
  private volatile int runningCount;
  private volatile boolean busy;
  private volatile @Nullable RuntimeException ended;
  private long start; // of the step
  private volatile Runnable wakeEngine = () -> {};
  private volatile Executor readersWaker = Runnable::run;
  private ReadyReaders ready = new ReadyReaders(); // of the step

  public Scheduler(
      LanguageModel model,
      Tokenizer tokenizer,
      RowKernels rows,
      SchedulerLimits limits,
      EngineListener listener) {
    this(model, tokenizer, rows, limits, listener, Clock.system());
  }

  Scheduler(
      LanguageModel model,
      Tokenizer tokenizer,
      RowKernels rows,
      SchedulerLimits limits,
      EngineListener listener,
      Clock clock) {
    this.model = model;
    this.vocabulary = model.description().vocabularySize();
    this.tokenizer = tokenizer;
    this.limits = limits;
    this.listener = listener;
    this.clock = clock;
    this.sampler = new Sampler(vocabulary, rows);
    this.queue = new WaitingQueue(limits);
    this.budget = new StepBudget(limits.stepRows(), limits.stepTime().toNanos());
    this.prefixes = new PrefixSharing(limits);
  }

  /** Sets what wakes the thread that calls {@link #step} when there is something to do. */
  void onWork(Runnable wake) {
    wakeEngine = wake;
  }

  /** Sets who wakes the threads of readers; the thread that steps does if nobody is set. */
  public void wakeReadersBy(Executor waker) {
    readersWaker = waker;
  }

  public SchedulerLimits limits() {
    return limits;
  }

  /** Answers that have a place now. */
  public int runningCount() {
    return runningCount;
  }

  /** Prompts in the queue. */
  public int waitingCount() {
    return queue.size();
  }

  /** Tokens of the prompts in the queue. */
  public long waitingTokens() {
    return queue.tokens();
  }

  /** How long a request that came now would wait, by estimate. */
  public Duration estimatedWait() {
    return queue.estimatedWait();
  }

  /** Why the smallest request would be refused for a full queue now; null if it would not. */
  public @Nullable String queueFullness() {
    return queue.fullness();
  }

  /** How long the first prompt of the queue has waited; zero if none waits. */
  Duration longestWait() {
    long now = clock.nanos();
    return Duration.ofNanos(Math.max(0, now - queue.firstArrivalNanos().orElse(now)));
  }

  /** Bytes that the prefix cache holds. */
  public long cacheBytes() {
    return prefixes.cache().bytes();
  }

  /** States that the prefix cache gave up so far. */
  public long cacheEvictions() {
    return prefixes.cache().evictions();
  }

  PrefixCache cache() {
    return prefixes.cache();
  }

  // ---------------------------------------------------------------- from any thread

  /** Queues a request that nobody traces; see {@link #submit(List, Object)}. */
  public Generation submit(List<SequenceRequest> prompts) {
    return submit(prompts, null);
  }

  /**
   * Queues a request of one or more prompts, whose answers have the choices 0, 1, ...
   *
   * @param trace goes into the request's account
   * @throws QueueFullException if they do not all fit in the queue now; none was queued then
   * @throws DrainingException if no more requests are taken
   * @throws IllegalArgumentException if they never will fit, their choices are others, or a token
   *     id is not in the vocabulary
   */
  public Generation submit(List<SequenceRequest> prompts, @Nullable Object trace) {
    int answers = 0;
    int tokens = 0;
    for (SequenceRequest prompt : prompts) {
      requireKnownTokens(prompt);
      requireRoom(prompt);
      if (prompt.choice() != answers) {
        throw new IllegalArgumentException(
            "answer %d of the request has choice %d".formatted(answers, prompt.choice()));
      }
      answers += prompt.answers();
      tokens += prompt.prompt().length;
    }
    RequestAccount account = new RequestAccount(tokens, trace);
    Generation generation = new Generation(answers, account, clock.nanos(), () -> wakeEngine.run());
    queue.add(prompts, generation);
    wakeEngine.run();
    return generation;
  }

  private void requireKnownTokens(SequenceRequest prompt) {
    for (int id : prompt.prompt()) {
      if (id < 0 || id >= vocabulary) {
        throw new IllegalArgumentException(
            "token id %d is not in the model's vocabulary of %d".formatted(id, vocabulary));
      }
    }
  }

  private void requireRoom(SequenceRequest prompt) {
    if (prompt.answers() > limits.maxRunning()) {
      throw new IllegalArgumentException(
          "%d answers to one prompt are more than the %d that run at once"
              .formatted(prompt.answers(), limits.maxRunning()));
    }
    long bytes = prompt.answers() * stateBytes(prompt);
    if (bytes > limits.stateBytes()) {
      throw new IllegalArgumentException(
          "the request needs %d bytes of state, and all that run may have %d"
              .formatted(bytes, limits.stateBytes()));
    }
  }

  /** Bytes of state of one answer at its longest. */
  private long stateBytes(SequenceRequest request) {
    return model.stateBytes((long) request.prompt().length + request.stop().maxTokens());
  }

  /**
   * Takes no more requests; those that were taken go on.
   *
   * @param reason what those that come are told
   */
  public void drain(String reason) {
    queue.close(reason);
  }

  /** Whether nothing waits or runs, and everything was published. */
  public boolean isIdle() {
    return queue.size() == 0 && !busy;
  }

  /** Ends every request, and takes no more. */
  public void endAll(RuntimeException reason) {
    queue.close(String.valueOf(reason.getMessage()));
    ended = reason;
    wakeEngine.run();
  }

  // ---------------------------------------------------------------- from the engine's thread

  /** Ends every request, running or waiting, with a failure. */
  void failAll(Throwable cause) {
    List<Generation> open = new ArrayList<>();
    running.forEach(member -> open.add(member.generation));
    members.forEach(member -> open.add(member.generation)); // finished, and not published yet
    open.addAll(late);
    late.clear();
    followers.forEach(follower -> open.add(follower.prompt().generation()));
    queue.clear().forEach(waiting -> open.add(waiting.generation()));
    running.clear();
    members.clear();
    followers.clear();
    batch.clear();
    queue.runs(0, 0);
    runningCount = 0;
    busy = false;
    open.forEach(generation -> generation.fail(cause));
    callReaders(); // of a step that failed while it published
  }

  /**
   * Runs one step: drops what nobody waits for, admits from the queue, runs one batch, draws, tells
   * the listener and then publishes, so that accounts and metrics are complete with the last event.
   *
   * @return false if there was nothing to run
   */
  public boolean step() {
    RuntimeException reason = ended;
    if (reason != null) {
      failAll(reason);
      return false;
    }
    busy = true;
    start = clock.nanos();
    long startCpu = clock.cpuNanos();
    report.clear();
    dropAbandoned();
    admit();
    if (running.isEmpty()) {
      queue.runs(0, 0);
      busy = false;
      return false;
    }
    Throwable failure = null;
    try {
      runBatch();
    } catch (RuntimeException | Error e) { // out of memory, too, ends only the requests that run
      LOG.log(System.Logger.Level.ERROR, "a step failed; its requests are ended with an error", e);
      failure = e;
      report.clear();
      members.forEach(member -> member.gone = true);
      running.removeIf(member -> member.gone);
    }
    long end = clock.nanos();
    account(end, end - start);
    report.setTime(end - start, clock.cpuNanos() - startCpu);
    listener.stepEnded(report);
    countRunning();
    publish(failure);
    busy = !running.isEmpty() || !followers.isEmpty();
    return true;
  }

  /** What the thread that steps may run while there is nothing else to do. */
  WarmUp warmUp() {
    return new WarmUp(model, tokenizer, sampler);
  }

  private void dropAbandoned() {
    queue.dropIf(isOver);
    followers.removeIf(isFollowerOver);
    for (int i = 0; i < running.size(); i++) {
      Member member = running.get(i);
      if (isOver(member.generation)) {
        prefixes.keepState(member); // the client may come back
        member.gone = true;
      }
    }
    running.removeIf(member -> member.gone);
    countRunning();
    for (int i = 0; i < late.size(); i++) {
      late.get(i).fail(new RequestTimeoutException(limits.requestTimeout()));
    }
    late.clear();
  }

  /** Whether nobody waits for a request any more, or its time is over and it is to be ended. */
  private boolean isOver(Generation generation) {
    Duration limit = limits.requestTimeout();
    if (!limit.isZero() && start - generation.arrivalNanos() > limit.toNanos()) {
      late.add(generation);
      return true;
    }
    return generation.isAbandoned();
  }

  private boolean isOver(Follower follower) {
    return isOver(follower.prompt().generation());
  }

  private void countRunning() {
    runningCount = slots();
  }

  /** Places that are taken. */
  private int slots() {
    int slots = 0;
    for (int i = 0; i < running.size(); i++) {
      slots += running.get(i).slots;
    }
    for (int i = 0; i < followers.size(); i++) {
      slots += followers.get(i).prompt().request().answers();
    }
    return slots;
  }

  /** Bytes that are reserved for states. */
  private long reservedBytes() {
    long bytes = 0;
    for (int i = 0; i < running.size(); i++) {
      bytes += running.get(i).slots * stateBytes(running.get(i).request());
    }
    for (int i = 0; i < followers.size(); i++) {
      SequenceRequest request = followers.get(i).prompt().request();
      bytes += request.answers() * stateBytes(request);
    }
    return bytes;
  }

  private boolean hasRoomFor(SequenceRequest request) {
    return slots() + request.answers() <= limits.maxRunning()
        && reservedBytes() + request.answers() * stateBytes(request) <= limits.stateBytes();
  }

  // ---------------------------------------------------------------- beginning

  private void admit() {
    for (int i = 0; i < followers.size(); ) {
      if (followers.get(i).mustWait()) {
        i++;
      } else {
        begin(followers.remove(i).prompt());
      }
    }
    // To begin takes time, a long prompt the most: the rest begins with the next steps.
    long latest = start + limits.stepTime().toNanos() / 4;
    while (running.isEmpty() || clock.nanos() <= latest) {
      Waiting next = queue.pollIf(hasRoom);
      if (next == null) {
        break;
      }
      begin(next);
      countRunning();
    }
  }

  /** Lets a prompt run from its longest known prefix on, or wait for one that is being run. */
  private void begin(Waiting waiting) {
    SequenceRequest request = waiting.request();
    Generation generation = waiting.generation();
    try {
      PrefixCache.Match known = prefixes.match(request);
      Follower follower = prefixes.follow(waiting, known, running);
      if (follower != null) {
        followers.add(follower);
        return;
      }
      SequenceState state =
          known.snapshot() == null ? model.newState() : model.restore(known.snapshot());
      Sequence sequence = new Sequence(request, generation.account(), state, vocabulary, tokenizer);
      running.add(new Member(sequence, generation, prefixes.lengthsToKeep(request, known)));
      long waited = Math.max(0, start - generation.arrivalNanos()); // it may come within the step
      if (generation.account().began(waited, known.depth())) {
        report.addBegun(generation.account());
      }
      if (PrefixSharing.mayShare(request)) {
        report.addBegun(request.prompt().length, known.depth());
      }
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.ERROR, "a request cannot begin; it is ended with an error", e);
      generation.fail(e);
    }
  }

  // ---------------------------------------------------------------- running

  private void runBatch() {
    members.clear();
    batch.clear();
    plan();
    for (int i = 0; i < running.size(); i++) {
      Member member = running.get(i);
      if (member.rows > 0) {
        members.add(member);
        member.sequence.addTo(batch, member.rows, member.snapshotRows());
      }
    }
    model.forward(batch);
    int count = members.size();
    for (int m = 0; m < count; m++) {
      advance(members.get(m), batch.groups().get(m));
    }
    running.removeIf(member -> member.gone);
  }

  /**
   * Shares out the rows of the step. Each answer that runs has one. Prompts share what is left of
   * the budget alike, so that a short one passes a long one; what the younger do not need the older
   * get, and the other way round.
   */
  private void plan() {
    int decoding = 0;
    for (int i = 0; i < running.size(); i++) {
      Member member = running.get(i);
      member.rows = member.sequence.isPrefilling() ? 0 : 1;
      decoding += member.rows;
    }
    int prompts = running.size() - decoding;
    if (prompts == 0) {
      return;
    }
    int left = budget.promptRows(decoding);
    for (int i = running.size() - 1; i >= 0; i--) {
      left -= running.get(i).addRows(prompts == 0 ? 0 : left / prompts);
      prompts -= running.get(i).sequence.isPrefilling() ? 1 : 0;
    }
    for (int i = 0; i < running.size(); i++) {
      left -= running.get(i).addRows(left);
    }
  }

  private void advance(Member member, Group group) {
    Sequence sequence = member.sequence;
    int prefilled = sequence.isPrefilling() ? group.count() : 0;
    int drawn = 0;
    try {
      prefixes.keepSnapshots(member, group);
      List<Sequence> forks = sequence.advance(batch, group, sampler);
      drawn = sequence.added().tokens();
      if (!sequence.isPrefilling()) {
        member.slots = 1;
      }
      for (int k = 0; k < forks.size(); k++) {
        Member fork = new Member(forks.get(k), member.generation);
        drawn += fork.sequence.added().tokens();
        members.add(fork);
        running.add(fork);
        endIfFinished(fork);
      }
      endIfFinished(member);
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.ERROR, "a sequence failed; its request is ended", e);
      member.failure = e;
      member.gone = true;
    }
    report.add(sequence.account(), prefilled, drawn);
  }

  private void endIfFinished(Member member) {
    if (member.sequence.isFinished()) {
      member.gone = true;
      report.addEnded();
      queue.answered(member.sequence.answerTokens());
      prefixes.keepState(member);
    }
  }

  // ---------------------------------------------------------------- telling

  /** Writes the step into the accounts of its requests, and into the means. */
  private void account(long now, long nanos) {
    int rows = Math.max(1, batch.rows());
    boolean prefilled = false;
    for (int m = 0; m < members.size(); m++) {
      Member member = members.get(m);
      RequestAccount account = member.generation.account();
      long age = now - member.generation.arrivalNanos();
      if (account.stepped(age, nanos * member.rows / rows)) {
        report.addAnswering(account);
      }
      if (member.sequence.answerTokens() > 0) { // the last of them was drawn in this step
        if (member.lastTokenNanos != 0 && m < report.groups()) { // none if the step failed
          report.setGap(m, now - member.lastTokenNanos);
        }
        member.lastTokenNanos = now;
      }
      if (member.generation.isCancelled()) {
        report.addAbandoned(member.rows);
      }
    }
    for (int g = 0; g < report.groups(); g++) {
      prefilled |= report.prefillRows(g) > 0;
    }
    if (prefilled) {
      budget.ran(rows, nanos);
    } else if (report.groups() > 0) {
      budget.ranAnswers(nanos);
    }
    if (report.groups() > 0) { // it did not fail
      queue.stepped(rows, nanos);
    }
    long left = 0;
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i).sequence;
      int most = sequence.request().stop().maxTokens() - sequence.answerTokens();
      left += sequence.promptLeft() + running.get(i).slots * queue.expectedRows(most);
    }
    for (int i = 0; i < followers.size(); i++) {
      SequenceRequest request = followers.get(i).prompt().request();
      left += request.prompt().length - followers.get(i).common();
      left += request.answers() * queue.expectedRows(request.stop().maxTokens());
    }
    queue.runs(slots(), left);
  }

  /** Tells the step's requests what it added, or why it failed, and forgets them. */
  private void publish(@Nullable Throwable failure) {
    for (int m = 0; m < members.size(); m++) {
      Member member = members.get(m);
      Throwable cause = failure == null ? member.failure : failure;
      if (cause == null) {
        member.generation.publish(member.sequence.added(), ready);
      } else {
        member.generation.fail(cause);
      }
    }
    members.clear();
    batch.clear();
    callReaders();
  }

  private void callReaders() {
    if (!ready.isEmpty()) {
      readersWaker.execute(ready::call);
      ready = new ReadyReaders();
    }
  }
}
