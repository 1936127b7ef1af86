package dev.tritium.api.openai;

import io.smallrye.mutiny.subscription.Cancellable;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A client without a connection, whose event loop and timer run when a test says so. */
final class FakeClient implements Client {
  static final Duration PING = Duration.ofSeconds(8);
  static final Duration STALL = Duration.ofSeconds(16);

  final RequestNotes notes = new RequestNotes("req-fake", false, null);
  final Map<String, String> headers = new LinkedHashMap<>();
  final List<String> pieces = new ArrayList<>(); // that were written
  boolean reads = true; // takes what is written at once

  @Nullable RuntimeException writeFailure; // of every write
  @Nullable RuntimeException workerFailure; // of the pool, which takes nothing
  @Nullable Throwable failure; // that it is answered with
  boolean finished;
  boolean cut;
  boolean released;
  Duration period = Duration.ZERO;
  private final Queue<Runnable> loop = new ArrayDeque<>();
  private final List<Runnable> timers = new ArrayList<>();
  private final List<Runnable> atClose = new ArrayList<>();
  private @Nullable Consumer<@Nullable Throwable> unread; // told of the last piece

  /** Runs what the event loop has been given, and what that gives it. */
  void runLoop() {
    for (Runnable next = loop.poll(); next != null; next = loop.poll()) {
      next.run();
    }
  }

  /** Lets one period of the timer pass. */
  void tick() {
    List.copyOf(timers).forEach(Runnable::run);
    runLoop();
  }

  /** Takes what it had not read. */
  void readOn() {
    reads = true;
    Consumer<@Nullable Throwable> told = unread;
    unread = null;
    if (told != null) {
      told.accept(null);
    }
    runLoop();
  }

  void close() {
    List.copyOf(atClose).forEach(Runnable::run);
    runLoop();
  }

  String written() {
    return String.join("", pieces);
  }

  /** What runs again and again, or waits for the close, on its behalf. */
  int held() {
    return timers.size() + atClose.size();
  }

  @Override
  public boolean hasLeft() {
    return cut;
  }

  @Override
  public Duration pingAfter() {
    return PING;
  }

  @Override
  public Duration stallTimeout() {
    return STALL;
  }

  @Override
  public RequestNotes notes() {
    return notes;
  }

  @Override
  public void takeOver() {}

  @Override
  public Executor eventLoop() {
    return loop::add;
  }

  @Override
  public void inContext(Runnable action) {
    action.run();
  }

  @Override
  public void onWorker(Runnable action) {
    if (workerFailure != null) {
      throw workerFailure;
    }
    action.run();
  }

  @Override
  public Cancellable every(Duration period, Runnable action) {
    this.period = period;
    timers.add(action);
    return () -> timers.remove(action);
  }

  @Override
  public void header(String name, String value) {
    headers.put(name, value);
  }

  @Override
  public void setChunked() {}

  @Override
  public void write(String piece, Consumer<@Nullable Throwable> whenWritten) {
    if (writeFailure != null) {
      throw writeFailure;
    }
    pieces.add(piece);
    if (reads) {
      whenWritten.accept(null);
    } else {
      unread = whenWritten;
    }
  }

  @Override
  public void finish() {
    finished = true;
  }

  @Override
  public void release() {
    released = true;
  }

  @Override
  public void fail(Throwable failure) {
    this.failure = failure;
  }

  @Override
  public void cut() {
    cut = true;
  }

  @Override
  public Cancellable onClose(Runnable action) {
    atClose.add(action);
    return () -> atClose.remove(action);
  }
}
