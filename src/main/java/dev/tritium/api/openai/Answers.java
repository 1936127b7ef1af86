package dev.tritium.api.openai;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.scheduler.Generation;
import dev.tritium.scheduler.QueueFullException;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.ws.rs.core.HttpHeaders;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jboss.resteasy.reactive.RestMulti;

/**
 * Turns a generation into a response body: server-sent events, or one JSON document.
 *
 * <p>Both are pulled: the next deltas are taken when the last ones were written, and a connection
 * that closes cancels the generation.
 */
final class Answers {
  /** Proxies cut streams that are silent for long. */
  private static final Duration PING_AFTER = Duration.ofSeconds(5);

  private static final String PING = ": ping\n\n";
  private static final String DONE = "data: [DONE]\n\n";

  /** What was new at one reading. */
  private record Reading(List<AnswerDelta> deltas, boolean last) {}

  private Answers() {}

  /**
   * Submits the sequences and answers with what they generate.
   *
   * @throws ApiException 429 if the queue is full, before anything is sent
   */
  static RestMulti<String> of(
      ServedModel model, List<SequenceRequest> sequences, boolean stream, AnswerFormat format) {
    Generation generation;
    try {
      generation = model.scheduler().submit(sequences);
    } catch (QueueFullException e) {
      throw new ApiException(ErrorKind.QUEUE_FULL, null, e.getMessage() + "; try again shortly");
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid("prompt", String.valueOf(e.getMessage()));
    }
    Multi<String> body = stream ? events(generation, format) : document(generation, format);
    return RestMulti.fromMultiData(body.onCancellation().invoke(generation::cancel))
        .header(HttpHeaders.CONTENT_TYPE, stream ? "text/event-stream" : "application/json")
        .header(HttpHeaders.CACHE_CONTROL, "no-cache")
        .header("X-Accel-Buffering", "no") // nginx would collect the events
        .build();
  }

  private static Multi<String> events(Generation generation, AnswerFormat format) {
    Multi<String> opening = Multi.createFrom().items(format.opening().stream().map(Answers::event));
    Multi<String> answer =
        Multi.createBy()
            .repeating()
            .uni(() -> read(generation))
            .whilst(reading -> !reading.last)
            .map(reading -> text(reading, generation, format));
    return Multi.createBy()
        .concatenating()
        .streams(opening, answer)
        .onFailure()
        .recoverWithItem(failure -> event(ErrorBody.of(failure)));
  }

  private static String text(Reading reading, Generation generation, AnswerFormat format) {
    if (reading.deltas.isEmpty()) {
      return PING;
    }
    StringBuilder text = new StringBuilder();
    for (AnswerDelta delta : reading.deltas) {
      format.events(delta).forEach(json -> text.append(event(json)));
    }
    if (reading.last) {
      format.closing(generation.account()).forEach(json -> text.append(event(json)));
      text.append(DONE);
    }
    return text.toString();
  }

  private static String event(String json) {
    return "data: " + json + "\n\n";
  }

  private static Multi<String> document(Generation generation, AnswerFormat format) {
    Map<Integer, AnswerDelta> answers = new TreeMap<>(); // by choice
    return Multi.createBy()
        .repeating()
        .uni(() -> read(generation))
        .whilst(reading -> !reading.last)
        .onItem()
        .invoke(
            reading -> reading.deltas.forEach(d -> answers.merge(d.choice(), d, AnswerDelta::then)))
        .collect()
        .last()
        .map(last -> format.body(new ArrayList<>(answers.values()), generation.account()))
        .toMulti();
  }

  /** Waits until something is new, or the time for a ping has come. */
  private static Uni<Reading> read(Generation generation) {
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
