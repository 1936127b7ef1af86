package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.RequestAccount;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Answers of {@code /v1/completions}: streamed and plain share one shape. */
final class CompletionFormat implements AnswerFormat {
  private static final String OBJECT = "text_completion";

  private final CompletionRequest request;
  private final AnswerHeader header;
  private final List<PendingDeltas> pending; // by choice
  private final Set<Integer> begun = new HashSet<>(); // choices whose prompt was echoed

  CompletionFormat(CompletionRequest request) {
    this.request = request;
    this.header = AnswerHeader.create("cmpl-", request.model().id(), request.includeUsage());
    this.pending =
        IntStream.range(0, request.prompts().size())
            .mapToObj(choice -> new PendingDeltas(choice, request.logprobs()))
            .toList();
  }

  @Override
  public List<String> opening() {
    return List.of();
  }

  @Override
  public List<String> events(AnswerDelta delta) {
    AnswerDelta shown = pending.get(delta.choice()).add(delta);
    return shown == null ? List.of() : List.of(header.chunk(OBJECT, choice(shown)));
  }

  @Override
  public List<String> closing(RequestAccount account) {
    return request.includeUsage() ? List.of(header.usageChunk(OBJECT, account)) : List.of();
  }

  @Override
  public String body(List<AnswerDelta> answers, RequestAccount account) {
    ObjectNode json = header.body(OBJECT);
    ArrayNode choices = json.putArray("choices");
    answers.forEach(answer -> choices.add(choice(answer)));
    json.set("usage", AnswerHeader.usage(account));
    return json.toString();
  }

  private ObjectNode choice(AnswerDelta delta) {
    Prompt prompt = request.prompts().get(delta.choice());
    boolean echoNow = request.echo() && begun.add(delta.choice());
    ObjectNode json = Json.object();
    json.put("text", echoNow ? prompt.text() + delta.text() : delta.text());
    json.put("index", delta.choice());
    if (request.logprobs()) {
      LogprobsJson.Lists lists = new LogprobsJson.Lists(request.model().tokenizer());
      if (echoNow) {
        lists.addPrompt(prompt.ids(), delta.prompt());
      }
      lists.addAnswer(delta.tokens(), request.echo() ? prompt.text().length() : 0);
      json.set("logprobs", lists.json());
    } else {
      json.putNull("logprobs");
    }
    json.put("finish_reason", AnswerHeader.finishReason(delta.finish()));
    return json;
  }
}
