package dev.tritium.api.openai;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.grammar.TokenGrammar;
import dev.tritium.scheduler.Generation;
import io.smallrye.mutiny.subscription.Cancellable;
import jakarta.ws.rs.core.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Writes what a generation answers to its client: server-sent events, or one JSON document.
 *
 * <p>It is run by the connection's event loop alone, so an event costs one wake-up of that thread
 * and one write. It is pulled: the next deltas are taken when the last ones were written. A
 * connection that closes cancels the generation, and one that takes nothing for too long is closed.
 * Whatever else goes wrong ends the request: nobody waits for what does not come.
 */
final class Answers {
  private static final System.Logger LOG = System.getLogger(Answers.class.getName());

  /** Units of text in a write. A reader that takes one in the stall timeout is not too slow. */
  private static final int WRITE_LENGTH = 16_384;

  private static final String PING = ": ping\n\n";
  private static final String DONE = "data: [DONE]\n\n";

  private final Generation generation;
  private final AnswerFormat format;
  private final Client client;
  private final boolean stream;
  private final RequestNotes notes;
  private final Executor eventLoop;
  private final Queue<String> pieces = new ArrayDeque<>(); // to be written
  private @Nullable Cancellable clock;
  private @Nullable Cancellable atClose;
  private int ticks; // since the last write began
  private boolean writing; // the last write has not ended
  private boolean draining; // writes are begun further up this thread's stack
  private boolean waiting; // for the generation
  private boolean lagging; // the client took its time for the last write
  private boolean last; // nothing comes after the pieces
  private boolean begun; // the head is made, so an error has no status of its own any more
  private boolean ended;

  private Answers(Generation generation, AnswerFormat format, Client client, boolean stream) {
    this.generation = generation;
    this.format = format;
    this.client = client;
    this.stream = stream;
    this.notes = client.notes();
    this.eventLoop = client.eventLoop();
  }

  /**
   * Answers the client's request with what the sequences generate.
   *
   * @throws ApiException or the scheduler's exceptions when they are not taken, as by a full queue
   */
  static void send(
      ServedModel model,
      List<SequenceRequest> sequences,
      boolean stream,
      AnswerFormat format,
      Client client) {
    RequestNotes notes = client.notes();
    notes.model(model.id());
    notes.asked(sequences.getFirst(), format.id());
    Generation generation = submit(model, sequences, notes.trace());
    notes.submitted(generation, stream);
    Answers answers = new Answers(generation, format, client, stream);
    client.takeOver();
    answers.onEventLoop(stream ? answers::sendEvents : answers::sendDocument);
  }

  private static Generation submit(
      ServedModel model, List<SequenceRequest> sequences, @Nullable Object trace) {
    TokenGrammar grammar = sequences.getFirst().grammar(); // of all of them
    if (grammar != null) {
      grammar.lookAhead();
    }
    try {
      return model.scheduler().submit(sequences, trace);
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid("prompt", String.valueOf(e.getMessage()));
    }
  }

  // ---------------------------------------------------------------- what is sent

  private void sendEvents() {
    begin();
    StringBuilder text = new StringBuilder();
    format.opening(generation.account()).forEach(json -> addEvent(json, text));
    begun = true;
    client.header(HttpHeaders.CONTENT_TYPE, "text/event-stream");
    client.header(HttpHeaders.CACHE_CONTROL, "no-cache");
    client.header("X-Accel-Buffering", "no"); // nginx would collect the events
    client.setChunked();
    write(text.toString());
  }

  /** Waits until something is new. */
  private void awaitDeltas() {
    waiting = true;
    generation.onReady(eventLoop, () -> run(this::readDeltas));
  }

  private void readDeltas() {
    waiting = false;
    if (ended || writing) {
      return; // a ping's end waits again
    }
    StringBuilder text = new StringBuilder();
    try {
      // An event for each token, unless the client is slower than they come.
      List<AnswerDelta> deltas = lagging ? generation.poll() : generation.pollTokens();
      lagging = false;
      deltas.forEach(notes::add);
      last = generation.isDone();
      deltas.forEach(
          delta ->
              format.events(delta, generation.account()).forEach(json -> addEvent(json, text)));
      if (last) {
        format.closing(generation.account()).forEach(json -> addEvent(json, text));
        text.append(DONE);
      }
    } catch (RuntimeException | Error e) {
      ErrorKind kind = ApiException.of(e).kind();
      notes.failed(kind);
      if (kind == ErrorKind.INTERNAL) {
        LOG.log(System.Logger.Level.ERROR, "the stream of request " + notes.id() + " failed", e);
      }
      last = true;
      text.setLength(0);
      addEvent(ErrorBody.of(e), text);
    }
    write(text.toString());
  }

  private static void addEvent(String json, StringBuilder text) {
    text.append("data: ").append(json).append("\n\n");
  }

  private void sendDocument() {
    begin();
    waiting = true;
    // A document may be large: the event loop, which has other clients, does not make it.
    generation.onDone(eventLoop, () -> run(() -> client.onWorker(this::makeDocument)));
  }

  private void makeDocument() {
    try {
      List<AnswerDelta> answers = generation.pollWhole();
      answers.forEach(notes::add);
      String document = format.body(answers, generation.account());
      int bytes = document.getBytes(StandardCharsets.UTF_8).length;
      onEventLoop(() -> sendDocument(document, bytes));
    } catch (RuntimeException | Error e) {
      onEventLoop(() -> fail(e));
    }
  }

  private void sendDocument(String document, int bytes) {
    if (!ended) {
      waiting = false;
      last = true;
      begun = true;
      client.header(HttpHeaders.CONTENT_TYPE, "application/json");
      client.header(HttpHeaders.CONTENT_LENGTH, String.valueOf(bytes));
      write(document);
    }
  }

  // ---------------------------------------------------------------- how it is sent

  private void onEventLoop(Runnable task) {
    eventLoop.execute(() -> run(task));
  }

  private void run(Runnable task) {
    if (notes.trace() == null) {
      attempt(task);
    } else {
      client.inContext(() -> attempt(task));
    }
  }

  /** Runs a task on the event loop, which would forget that it failed. */
  private void attempt(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.ERROR, "request " + notes.id() + " failed", e);
      if (!ended) {
        notes.failed(ErrorKind.INTERNAL);
        if (begun) {
          client.cut();
          end();
        } else {
          fail(e);
        }
      }
    }
  }

  private void begin() {
    clock = client.every(tickTime(), () -> run(this::tick));
    atClose = client.onClose(() -> onEventLoop(this::end));
  }

  private Duration tickTime() {
    long shortest = Math.min(client.pingAfter().toNanos(), client.stallTimeout().toNanos());
    return Duration.ofNanos(shortest / 4);
  }

  /** Counts time by itself: a machine that pauses does so for the client too, which is not slow. */
  private void tick() {
    Duration silence = tickTime().multipliedBy(ticks++); // the first tick comes at any time
    if (writing && silence.compareTo(client.stallTimeout()) >= 0) {
      LOG.log(
          System.Logger.Level.INFO,
          "a client took nothing of its answer for {0} s and is cut off",
          client.stallTimeout().toSeconds());
      notes.cutOff(); // before its connection ends
      client.cut();
      end();
    } else if (stream && !writing && silence.compareTo(client.pingAfter()) >= 0) {
      write(PING);
    }
  }

  private void write(String text) {
    for (int at = 0, to; at < text.length(); at = to) {
      to = Math.min(at + WRITE_LENGTH, text.length());
      if (to < text.length() && Character.isHighSurrogate(text.charAt(to - 1))) {
        to++;
      }
      pieces.add(text.substring(at, to));
    }
    drain();
  }

  /** Writes pieces until one has to wait for the client, then goes on to what comes after them. */
  private void drain() {
    draining = true; // a write may end within its call
    while (!writing && !ended && !pieces.isEmpty()) {
      writing = true;
      ticks = 0;
      client.write(pieces.remove(), failure -> run(() -> written(failure)));
    }
    draining = false;
    if (writing || ended) {
      return;
    }
    if (last) {
      client.finish();
      end();
    } else if (!waiting) {
      awaitDeltas();
    }
  }

  private void written(@Nullable Throwable failure) {
    writing = false;
    if (failure != null) {
      end();
    } else if (!draining) {
      lagging = true;
      drain();
    }
  }

  private void fail(Throwable e) {
    if (!ended) {
      forget();
      client.fail(e);
    }
  }

  private void end() {
    if (!ended) {
      forget();
      client.release();
    }
  }

  /** Whatever way it ended: nothing is left behind. */
  private void forget() {
    ended = true;
    generation.cancel();
    for (Cancellable made : Arrays.asList(clock, atClose)) {
      if (made != null) {
        made.cancel();
      }
    }
  }
}
