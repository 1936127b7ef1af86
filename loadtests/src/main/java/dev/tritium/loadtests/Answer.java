package dev.tritium.loadtests;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** A streamed answer as its client sees it. One thread at a time reads it. */
final class Answer {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final long sentNanos;
  private final int wantedTokens;
  private final Histogram gapMicros;
  private @Nullable String id;
  private long firstNanos;
  private long lastNanos;
  private int events;
  private int tokens;
  private boolean done;
  private @Nullable String error;

  /**
   * @param sentNanos when its request was sent
   * @param wantedTokens that the answer must have
   * @param gapMicros gets the times between the arrivals of its events; those that come together
   *     have 0
   */
  Answer(long sentNanos, int wantedTokens, Histogram gapMicros) {
    this.sentNanos = sentNanos;
    this.wantedTokens = wantedTokens;
    this.gapMicros = gapMicros;
  }

  /**
   * Takes in an event.
   *
   * @param message an object whose {@code data} is the event's, as Gatling shows it
   */
  void read(String message, long nanos) {
    if (message.endsWith("[DONE]}") || message.endsWith("[DONE]\"}")) {
      done = true;
      return;
    }
    JsonNode data;
    try {
      data = JSON.readTree(message).path("data");
    } catch (JsonProcessingException e) {
      fail("no JSON: " + message);
      return;
    }
    if (data.has("error")) {
      fail(data.at("/error/message").asText());
    }
    String chunk = data.path("id").asText();
    if (id != null && !id.equals(chunk)) {
      // Gatling takes an event stream up again where its connection broke, which sends a POST anew.
      fail("cut off in its middle");
    }
    id = chunk;
    tokens = data.at("/usage/completion_tokens").asInt(tokens);
    if (!data.path("choices").isEmpty()) {
      events++;
      if (firstNanos == 0) {
        firstNanos = nanos;
      } else {
        gapMicros.recordValue((nanos - lastNanos) / 1_000);
      }
      lastNanos = nanos;
    }
  }

  private void fail(String what) {
    error = error == null ? what : error;
  }

  /** What is wrong with it now that no more of it will come; null if it is whole. */
  @Nullable String problem() {
    if (error == null && !done) {
      return events == 0 ? "no answer" : "no end";
    }
    if (error == null && tokens != wantedTokens) {
      return "another number of tokens than asked for";
    }
    return error;
  }

  boolean begun() {
    return events > 0 || over();
  }

  /** Whether it has come to its end, well or not. */
  boolean over() {
    return done || error != null;
  }

  int events() {
    return events;
  }

  int tokens() {
    return tokens;
  }

  long sentNanos() {
    return sentNanos;
  }

  long lastNanos() {
    return lastNanos;
  }

  /** Time to the first token. */
  long firstMicros() {
    return (firstNanos - sentNanos) / 1_000;
  }

  /** Mean time from a token to the next, in microseconds. */
  long tokenMicros() {
    return tokens > 1 ? (lastNanos - firstNanos) / 1_000 / (tokens - 1) : 0;
  }
}
