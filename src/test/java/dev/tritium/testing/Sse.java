package dev.tritium.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A stream of events in the form every OpenAI-compatible server sends it. */
public record Sse(List<JsonNode> events) {

  /**
   * Reads a whole stream; fails if a frame is not one line of JSON and a blank line, or if anything
   * but one {@code [DONE]} ends it.
   */
  public static Sse read(String body) {
    List<JsonNode> events = events(body);
    for (JsonNode event : events) {
      assertFalse(event.has("error"), () -> "error: " + event);
    }
    return new Sse(events);
  }

  /** The same, of a stream that may end with an error instead of {@code [DONE]}. */
  static List<JsonNode> events(String body) {
    assertTrue(body.endsWith("\n\n"), () -> "cut off: " + body);
    List<JsonNode> events = new ArrayList<>();
    boolean ended = false;
    for (String frame : body.substring(0, body.length() - 2).split("\n\n", -1)) {
      assertFalse(ended, () -> "an event after the end: " + body);
      if (frame.startsWith(":")) {
        continue;
      }
      assertTrue(frame.startsWith("data: ") && frame.indexOf('\n') < 0, () -> "frame: " + frame);
      String data = frame.substring("data: ".length());
      ended = data.equals("[DONE]");
      if (!ended) {
        JsonNode event = json(data);
        ended = event.has("error");
        events.add(event);
      }
    }
    assertTrue(ended, () -> "no end: " + body);
    return events;
  }

  private static JsonNode json(String data) {
    try {
      return Api.JSON.readTree(data);
    } catch (JsonProcessingException e) {
      throw new AssertionError("not JSON: " + data, e);
    }
  }

  /** The chunks of a choice, in order. */
  public List<JsonNode> choices(int index) {
    return events.stream()
        .flatMap(event -> event.get("choices").valueStream())
        .filter(choice -> choice.get("index").intValue() == index)
        .toList();
  }

  /** The text of a choice of {@code /v1/completions}. */
  public String text(int index) {
    return choices(index).stream()
        .map(choice -> choice.get("text").textValue())
        .collect(Collectors.joining());
  }

  /** The text of an answer of {@code /v1/chat/completions}. */
  public String content() {
    return choices(0).stream()
        .map(choice -> choice.at("/delta/content").asText(""))
        .collect(Collectors.joining());
  }

  /** Why a choice ended; fails unless it says so in its last chunk, and null in all others. */
  public @Nullable String finishReason(int index) {
    List<JsonNode> choices = choices(index);
    for (int i = 0; i < choices.size(); i++) {
      assertTrue(choices.get(i).has("finish_reason"), choices::toString);
      assertEquals(
          i == choices.size() - 1,
          choices.get(i).get("finish_reason").isTextual(),
          choices::toString);
    }
    return choices.getLast().get("finish_reason").textValue();
  }
}
