package dev.tritium.api.openai;

import dev.tritium.engine.AnswerBuffer;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.scheduler.Generation;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import io.smallrye.mutiny.subscription.Cancellable;
import jakarta.ws.rs.core.HttpHeaders;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jboss.resteasy.reactive.RestMulti;

/**
 * Turns a generation into a response body: server-sent events, or one JSON document.
 *
 * <p>Both are pulled: the next deltas are taken when the last ones were written. A connection that
 * closes cancels the generation, and one that takes nothing for too long is closed.
 */
final class Answers {
  private static final System.Logger LOG = System.getLogger(Answers.class.getName());

  /** Units of text in a write. A reader that takes one in the stall timeout is not too slow. */
  private static final int WRITE_LENGTH = 16_384;

  /** Ends a body when it is asked for more, so after the last write; others end it with that. */
  private static final Multi<String> END = Uni.createFrom().<String>nullItem().toMulti();

  private static final String PING = ": ping\n\n";
  private static final String DONE = "data: [DONE]\n\n";

  /** What was new at one reading. */
  private record Reading(List<AnswerDelta> deltas, boolean last) {}

  private final Generation generation;
  private final AnswerFormat format;
  private final Client client;
  private final RequestNotes notes;
  private final Map<Integer, AnswerBuffer> answers = new TreeMap<>(); // by choice
  private long lastWriteNanos = System.nanoTime();
  private volatile boolean writing; // the last piece is not written yet
  private volatile long writingSinceNanos;

  private Answers(Generation generation, AnswerFormat format, Client client) {
    this.generation = generation;
    this.format = format;
    this.client = client;
    this.notes = client.notes();
  }

  /**
   * Answers with what the sequences generate. They are submitted when the body is asked for: a
   * client that left while its prompt was tokenised never asks. A full queue is a failure before
   * the first item, so it still becomes a 429.
   */
  static RestMulti<String> of(
      ServedModel model,
      List<SequenceRequest> sequences,
      boolean stream,
      AnswerFormat format,
      Client client) {
    client.notes().model(model.id());
    Multi<String> body =
        Multi.createFrom()
            .deferred(
                () -> {
                  Generation generation = submit(model, sequences);
                  client.notes().submitted(generation.account(), stream);
                  Answers answers = new Answers(generation, format, client);
                  return answers.toClient(stream ? answers.events() : answers.document());
                });
    return RestMulti.fromMultiData(body)
        .header(HttpHeaders.CONTENT_TYPE, stream ? "text/event-stream" : "application/json")
        .header(HttpHeaders.CACHE_CONTROL, "no-cache")
        .header("X-Accel-Buffering", "no") // nginx would collect the events
        .build();
  }

  private static Generation submit(ServedModel model, List<SequenceRequest> sequences) {
    try {
      return model.scheduler().submit(sequences);
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid("prompt", String.valueOf(e.getMessage()));
    }
  }

  /** Cancels the generation when the body ends in any way, or the client had left before. */
  private Multi<String> toClient(Multi<String> body) {
    Cancellable watch =
        Multi.createFrom()
            .ticks()
            .every(client.stallTimeout().dividedBy(4))
            .select()
            .where(ignored -> isStalled())
            .select()
            .first()
            .subscribe()
            .with(ignored -> cut());
    // The body's own end may come long after that of its connection.
    Cancellable atClose =
        client.onClose(
            () -> {
              watch.cancel();
              generation.cancel();
            });
    Multi<String> pieces = body.onItem().transformToIterable(Answers::pieces);
    return Multi.createBy()
        .concatenating()
        .streams(pieces, END)
        .onItem()
        .invoke(
            () -> {
              writingSinceNanos = System.nanoTime();
              writing = true;
            })
        .onRequest()
        .invoke(
            () -> {
              writing = false;
              if (client.hasLeft()) {
                generation.cancel();
              }
            })
        .onTermination()
        .invoke(
            () -> {
              watch.cancel();
              atClose.cancel();
              generation.cancel();
            });
  }

  private boolean isStalled() {
    return writing && System.nanoTime() - writingSinceNanos >= client.stallTimeout().toNanos();
  }

  private void cut() {
    LOG.log(
        System.Logger.Level.INFO,
        "a client took nothing of its answer for {0} s and is cut off",
        client.stallTimeout().toSeconds());
    notes.cutOff(); // before its connection ends
    client.cut();
    generation.cancel();
  }

  private static List<String> pieces(String text) {
    if (text.length() <= WRITE_LENGTH) {
      return List.of(text);
    }
    List<String> pieces = new ArrayList<>();
    for (int at = 0, end; at < text.length(); at = end) {
      end = Math.min(at + WRITE_LENGTH, text.length());
      if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
        end++;
      }
      pieces.add(text.substring(at, end));
    }
    return pieces;
  }

  private Multi<String> events() {
    Multi<String> opening =
        Multi.createFrom().items(format.opening(generation.account()).stream().map(Answers::event));
    Multi<String> answer = readings().map(this::text).select().where(text -> !text.isEmpty());
    return Multi.createBy()
        .concatenating()
        .streams(opening, answer)
        .onFailure()
        .recoverWithItem(
            failure -> {
              ErrorKind kind = ApiException.of(failure).kind();
              notes.failed(kind);
              if (kind == ErrorKind.INTERNAL) {
                LOG.log(System.Logger.Level.ERROR, "a stream failed", failure);
              }
              return event(ErrorBody.of(failure));
            });
  }

  /** The events of a reading, or a ping when the stream has been silent for long. */
  private String text(Reading reading) {
    StringBuilder text = new StringBuilder();
    for (AnswerDelta delta : reading.deltas) {
      format.events(delta, generation.account()).forEach(json -> text.append(event(json)));
    }
    if (reading.last) {
      format.closing(generation.account()).forEach(json -> text.append(event(json)));
      text.append(DONE);
    }
    long now = System.nanoTime();
    if (text.isEmpty() && now - lastWriteNanos >= client.pingAfter().toNanos()) {
      text.append(PING);
    }
    lastWriteNanos = text.isEmpty() ? lastWriteNanos : now;
    return text.toString();
  }

  private static String event(String json) {
    return "data: " + json + "\n\n";
  }

  private Multi<String> document() {
    return readings()
        .onItem()
        .invoke(reading -> reading.deltas.forEach(this::collect))
        .collect()
        .last()
        .map(last -> answers.values().stream().map(AnswerBuffer::toDelta).toList())
        .map(all -> all.isEmpty() ? "" : format.body(all, generation.account()))
        .toMulti();
  }

  private void collect(AnswerDelta delta) {
    answers.computeIfAbsent(delta.choice(), AnswerBuffer::new).add(delta);
  }

  private Multi<Reading> readings() {
    return Multi.createBy().repeating().uni(this::read).whilst(reading -> !reading.last);
  }

  /** Waits until something is new, or the time for a ping has come. */
  private Uni<Reading> read() {
    return Uni.createFrom()
        .<Boolean>emitter(ready -> generation.onReady(() -> ready.complete(true)))
        .emitOn(Infrastructure.getDefaultWorkerPool()) // the engine's thread only signals
        .ifNoItem()
        .after(client.pingAfter())
        .recoverWithItem(false)
        .map(
            ignored -> {
              List<AnswerDelta> deltas = generation.poll();
              deltas.forEach(notes::add);
              return new Reading(deltas, generation.isDone());
            });
  }
}
