package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.AnswerDelta.AnswerToken;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.RequestAccount;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Answers of {@code /v1/chat/completions}. */
final class ChatFormat implements AnswerFormat {
  private final ChatRequest request;
  private final AnswerHeader header;
  private final PendingDeltas pending;
  private final ChunkTemplates templates;

  ChatFormat(ChatRequest request) {
    this.request = request;
    this.header =
        AnswerHeader.create(
            request.options().stream() ? "chat.completion.chunk" : "chat.completion",
            "chatcmpl-",
            request.model(),
            request.options());
    this.templates = header.templates();
    this.pending = new PendingDeltas(request.sequence().answers(), request.logprobs());
  }

  @Override
  public String id() {
    return header.id();
  }

  @Override
  public List<String> opening(RequestAccount account) {
    return IntStream.range(0, request.sequence().answers())
        .mapToObj(
            index -> {
              ObjectNode role = Json.object().put("role", "assistant").put("content", "");
              ObjectNode choice = choice(index, "delta", role, List.of(), null);
              ObjectNode chunk = header.chunk(choice, account, 0);
              return header.text(withPromptIds(index == 0, chunk));
            })
        .toList();
  }

  @Override
  public List<String> events(AnswerDelta delta, RequestAccount account) {
    AnswerDelta shown = pending.add(delta);
    if (shown == null) {
      return List.of();
    }
    if (header.hasAlikeChunks() && !request.logprobs() && shown.finish() == null) {
      return List.of(
          templates.chunk(
              shown.choice(),
              shown.text(),
              (index, text) -> contentChunk(index, text, List.of(), account)));
    }
    List<String> events = new ArrayList<>(2);
    List<AnswerToken> tokens = shown.tokens();
    if (!shown.text().isEmpty() || (request.logprobs() && !tokens.isEmpty())) {
      events.add(contentChunk(shown.choice(), shown.text(), tokens, account));
      tokens = List.of();
    }
    if (shown.finish() != null) {
      ObjectNode end = choice(shown.choice(), "delta", Json.object(), tokens, shown.finish());
      events.add(chunk(end, account));
    }
    return events;
  }

  private String contentChunk(
      int index, String text, List<AnswerToken> tokens, RequestAccount account) {
    ObjectNode content = Json.object().put("content", text);
    return chunk(choice(index, "delta", content, tokens, null), account);
  }

  @Override
  public List<String> closing(RequestAccount account) {
    return header.closing(account);
  }

  @Override
  public String body(List<AnswerDelta> answers, RequestAccount account) {
    List<ObjectNode> choices = new ArrayList<>(answers.size());
    for (AnswerDelta answer : answers) {
      ObjectNode message = Json.object().put("role", "assistant").put("content", answer.text());
      message.putNull("refusal");
      choices.add(choice(answer.choice(), "message", message, answer.tokens(), answer.finish()));
    }
    return withPromptIds(true, header.body(choices, account)).toString();
  }

  private String chunk(ObjectNode choice, RequestAccount account) {
    return header.text(header.chunk(choice, account, pending.shownTokens()));
  }

  private ObjectNode withPromptIds(boolean first, ObjectNode json) {
    if (first && request.options().tokenIds()) {
      json.set("prompt_token_ids", AnswerHeader.ids(Arrays.stream(request.sequence().prompt())));
    }
    return json;
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
    if (request.options().tokenIds()) {
      json.set("token_ids", AnswerHeader.ids(tokens.stream().mapToInt(AnswerToken::id)));
    }
    json.put("finish_reason", AnswerHeader.finishReason(finish));
    return json;
  }
}
