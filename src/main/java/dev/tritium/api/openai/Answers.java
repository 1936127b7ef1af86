package dev.tritium.api.openai;

import dev.tritium.engine.AnswerBuffer;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.scheduler.Generation;
import dev.tritium.scheduler.QueueFullException;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.ws.rs.core.HttpHeaders;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jboss.resteasy.reactive.RestMulti;

/**
 * Turns a generation into a response body: server-sent events, or one JSON document.
 *
 * <p>Both are pulled: the next deltas are taken when the last ones were written, and a connection
 * that closes cancels the generation.
 */
final class Answers {
  private static final System.Logger LOG = System.getLogger(Answers.class.getName());

  /** Proxies cut streams that are silent for long. */
  private static final Duration PING_AFTER = Duration.ofSeconds(5);

  private static final String PING = ": ping\n\n";
  private static final String DONE = "data: [DONE]\n\n";

  /** What was new at one reading. */
  private record Reading(List<AnswerDelta> deltas, boolean last) {}

  private final Generation generation;
  private final AnswerFormat format;
  private final Map<Integer, AnswerBuffer> answers = new TreeMap<>(); // by choice
  private long lastWriteNanos = System.nanoTime();

  private Answers(Generation generation, AnswerFormat format) {
    this.generation = generation;
    this.format = format;
  }

  /**
   * Answers with what the sequences generate. They are submitted when the body is asked for: a
   * client that left while its prompt was tokenised never asks. A full queue is a failure before
   * the first item, so it still becomes a 429.
   *
   * @param clientLeft whether the connection is closed
   */
  static RestMulti<String> of(
      ServedModel model,
      List<SequenceRequest> sequences,
      boolean stream,
      AnswerFormat format,
      BooleanSupplier clientLeft) {
    Multi<String> body =
        Multi.createFrom()
            .deferred(
                () -> {
                  Answers answers = new Answers(submit(model, sequences), format);
                  return answers.untilClosed(
                      stream ? answers.events() : answers.document(), clientLeft);
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
    } catch (QueueFullException e) {
      throw new ApiException(ErrorKind.QUEUE_FULL, null, e.getMessage() + "; try again shortly");
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid("prompt", String.valueOf(e.getMessage()));
    }
  }

  /** Cancels the generation when the body ends in any way, or the client had left before. */
  private Multi<String> untilClosed(Multi<String> body, BooleanSupplier clientLeft) {
    return body.onRequest()
        .invoke(
            () -> {
              if (clientLeft.getAsBoolean()) {
                generation.cancel();
              }
            })
        .onTermination()
        .invoke(generation::cancel);
  }

  private Multi<String> events() {
    Multi<String> opening = Multi.createFrom().items(format.opening().stream().map(Answers::event));
    Multi<String> answer = readings().map(this::text).select().where(text -> !text.isEmpty());
    return Multi.createBy()
        .concatenating()
        .streams(opening, answer)
        .onFailure()
        .recoverWithItem(
            failure -> {
              LOG.log(System.Logger.Level.ERROR, "a stream failed", failure);
              return event(ErrorBody.of(failure));
            });
  }

  /** The events of a reading, or a ping when the stream has been silent for long. */
  private String text(Reading reading) {
    StringBuilder text = new StringBuilder();
    for (AnswerDelta delta : reading.deltas) {
      format.events(delta).forEach(json -> text.append(event(json)));
    }
    if (reading.last) {
      format.closing(generation.account()).forEach(json -> text.append(event(json)));
      text.append(DONE);
    }
    long now = System.nanoTime();
    if (text.isEmpty() && now - lastWriteNanos >= PING_AFTER.toNanos()) {
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
        .after(PING_AFTER)
        .recoverWithItem(false)
        .map(
            ignored -> {
              List<AnswerDelta> deltas = generation.poll();
              return new Reading(deltas, generation.isDone());
            });
  }
}
