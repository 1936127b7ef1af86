package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.AnswerDelta.AnswerToken;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.RequestAccount;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Answers of {@code /v1/chat/completions}. */
final class ChatFormat implements AnswerFormat {
  private static final String CHUNK = "chat.completion.chunk";

  private final ChatRequest request;
  private final AnswerHeader header;
  private final PendingDeltas pending;

  ChatFormat(ChatRequest request) {
    this.request = request;
    this.header = AnswerHeader.create("chatcmpl-", request.model().id(), request.includeUsage());
    this.pending = new PendingDeltas(request.sequence().answers(), request.logprobs());
  }

  @Override
  public List<String> opening() {
    return IntStream.range(0, request.sequence().answers())
        .mapToObj(
            index -> {
              ObjectNode role = Json.object().put("role", "assistant").put("content", "");
              return chunk(index, role, List.of(), null);
            })
        .toList();
  }

  @Override
  public List<String> events(AnswerDelta delta) {
    AnswerDelta shown = pending.add(delta);
    if (shown == null) {
      return List.of();
    }
    List<String> events = new ArrayList<>(2);
    if (!shown.text().isEmpty() || (request.logprobs() && !shown.tokens().isEmpty())) {
      ObjectNode content = Json.object().put("content", shown.text());
      events.add(chunk(shown.choice(), content, shown.tokens(), null));
    }
    if (shown.finish() != null) {
      events.add(chunk(shown.choice(), Json.object(), List.of(), shown.finish()));
    }
    return events;
  }

  @Override
  public List<String> closing(RequestAccount account) {
    return request.includeUsage() ? List.of(header.usageChunk(CHUNK, account)) : List.of();
  }

  @Override
  public String body(List<AnswerDelta> answers, RequestAccount account) {
    ObjectNode json = header.body("chat.completion");
    ArrayNode choices = json.putArray("choices");
    for (AnswerDelta answer : answers) {
      ObjectNode message = Json.object().put("role", "assistant").put("content", answer.text());
      message.putNull("refusal");
      choices.add(choice(answer.choice(), "message", message, answer.tokens(), answer.finish()));
    }
    json.set("usage", AnswerHeader.usage(account));
    return json.toString();
  }

  private String chunk(
      int index, ObjectNode delta, List<AnswerToken> tokens, @Nullable FinishReason finish) {
    return header.chunk(CHUNK, choice(index, "delta", delta, tokens, finish));
  }

  private ObjectNode choice(
      int index,
      String name,
      ObjectNode content,
      List<AnswerToken> tokens,
      @Nullable FinishReason finish) {
    ObjectNode json = Json.object();
    json.put("index", index);
    json.set(name, content);
    if (request.logprobs() && !tokens.isEmpty()) {
      json.set("logprobs", LogprobsJson.chat(tokens, request.model().tokenizer()));
    } else {
      json.putNull("logprobs");
    }
    json.put("finish_reason", AnswerHeader.finishReason(finish));
    return json;
  }
}
