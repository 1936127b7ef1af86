package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.AnswerDelta.AnswerToken;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.TokenLogprob;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** Answers of {@code /v1/completions}: streamed and plain share one shape. */
final class CompletionFormat implements AnswerFormat {
  private final CompletionRequest request;
  private final AnswerHeader header;
  private final PendingDeltas pending;
  private final List<List<TokenLogprob>> promptLogprobs = new ArrayList<>(); // by prompt
  private final Set<Integer> begun = new HashSet<>(); // choices with a first chunk
  private final ChunkTemplates templates;

  CompletionFormat(CompletionRequest request) {
    this.request = request;
    this.header =
        AnswerHeader.create("text_completion", "cmpl-", request.model(), request.options());
    this.templates = header.templates();
    int prompts = request.prompts().size();
    this.pending = new PendingDeltas(prompts * request.n(), request.logprobs());
    for (int p = 0; p < prompts; p++) {
      promptLogprobs.add(new ArrayList<>());
    }
  }

  @Override
  public String id() {
    return header.id();
  }

  @Override
  public List<String> opening(RequestAccount account) {
    return List.of();
  }

  /** Streamed are all answers, so a delta's choice is its index. */
  @Override
  public List<String> events(AnswerDelta delta, RequestAccount account) {
    keepPromptLogprobs(delta.choice() / request.n(), delta);
    AnswerDelta shown = pending.add(delta);
    if (shown == null) {
      return List.of();
    }
    boolean echoesNow = request.echo() && !begun.contains(shown.choice());
    if (header.hasAlikeChunks() && !request.logprobs() && !echoesNow && shown.finish() == null) {
      return List.of(
          templates.chunk(
              shown.choice(),
              shown.text(),
              (index, text) ->
                  chunk(new AnswerDelta(index, List.of(), text, List.of(), null), account)));
    }
    return List.of(chunk(shown, account));
  }

  private String chunk(AnswerDelta delta, RequestAccount account) {
    ObjectNode choice = choice(delta.choice(), delta);
    return header.text(header.chunk(choice, account, pending.shownTokens()));
  }

  @Override
  public List<String> closing(RequestAccount account) {
    return header.closing(account);
  }

  @Override
  public String body(List<AnswerDelta> answers, RequestAccount account) {
    List<ObjectNode> choices = new ArrayList<>();
    int drawn = answers.size() / request.prompts().size();
    for (int p = 0; p < request.prompts().size(); p++) {
      List<AnswerDelta> ofPrompt = answers.subList(p * drawn, (p + 1) * drawn);
      keepPromptLogprobs(p, ofPrompt.getFirst());
      for (AnswerDelta answer : best(ofPrompt)) {
        choices.add(choice(choices.size(), answer));
      }
    }
    return header.body(choices, account).toString();
  }

  /** Only a prompt's first answer has them, and each of its choices echoes them. */
  private void keepPromptLogprobs(int prompt, AnswerDelta delta) {
    promptLogprobs.get(prompt).addAll(delta.prompt());
  }

  /** The n likeliest of a prompt's answers, best first; as they were drawn when that is all. */
  private List<AnswerDelta> best(List<AnswerDelta> drawn) {
    if (drawn.size() == request.n()) {
      return drawn;
    }
    return drawn.stream()
        .sorted(Comparator.comparingDouble(CompletionFormat::meanLogprob).reversed())
        .limit(request.n())
        .toList();
  }

  private static double meanLogprob(AnswerDelta answer) {
    return answer.tokens().stream()
        .map(AnswerToken::logprob)
        .mapToDouble(logprob -> Objects.requireNonNull(logprob).logprob())
        .average()
        .orElse(0); // no tokens: all answers are equal
  }

  private ObjectNode choice(int index, AnswerDelta delta) {
    int promptIndex = index / request.n();
    Prompt prompt = request.prompts().get(promptIndex);
    boolean first = begun.add(index);
    boolean echoNow = request.echo() && first;
    ObjectNode json = Json.object();
    json.put("text", echoNow ? prompt.text() + delta.text() : delta.text());
    json.put("index", index);
    if (request.logprobs()) {
      LogprobsJson.Lists lists = new LogprobsJson.Lists(request.model().tokenizer());
      if (echoNow) {
        lists.addPrompt(prompt.ids(), promptLogprobs.get(promptIndex));
      }
      lists.addAnswer(delta.tokens(), request.echo() ? prompt.text().length() : 0);
      json.set("logprobs", lists.json());
    } else {
      json.putNull("logprobs");
    }
    if (request.options().tokenIds()) {
      if (first) {
        json.set("prompt_token_ids", AnswerHeader.ids(Arrays.stream(prompt.ids())));
      }
      json.set("token_ids", AnswerHeader.ids(delta.tokens().stream().mapToInt(AnswerToken::id)));
    }
    json.put("finish_reason", AnswerHeader.finishReason(delta.finish()));
    return json;
  }
}
