package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.grammar.TokenGrammar;
import dev.tritium.tokenizer.ChatTemplate;
import dev.tritium.tokenizer.ChatTemplateException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A chat request after every check: nothing behind the HTTP edge validates again. */
record ChatRequest(
    ServedModel model, SequenceRequest sequence, boolean logprobs, AnswerOptions options) {

  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");

  /**
   * Reads the JSON body of {@code POST /v1/chat/completions}.
   *
   * @throws ApiException with OpenAI's {@code param} when a field is unknown, of the wrong type or
   *     out of range, or the model has no chat template
   */
  static ChatRequest read(byte[] bytes, Models models) {
    RequestBody body = RequestBody.read(bytes, Parameters.CHAT);
    ServedModel model = models.require(body.text("model"));
    AnswerOptions options = AnswerOptions.read(body);
    Sampling sampling = SamplingParameters.sampling(body, model);
    boolean wantsLogprobs = body.flag("logprobs", false);
    int top = body.integer("top_logprobs", 0);
    if (top > 0 && !wantsLogprobs) {
      throw ApiException.invalid("top_logprobs", "'top_logprobs' needs 'logprobs': true");
    }
    JsonNode messages = body.get("messages");
    if (messages == null) {
      throw ApiException.invalid("messages", "'messages' is missing");
    }
    Prompt prompt = Prompt.ofText("messages", render(messages, model), false, model);
    String limit = body.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
    int maxTokens = maxTokens(body, limit, prompt.ids().length, model);
    StopRules stop = SamplingParameters.stopRules(body, model, maxTokens);
    TokenGrammar grammar = ResponseFormat.read(body, stop, limit, model);
    int n = SamplingParameters.answers(body, "n", 1, 1, model);
    String cacheSalt = SamplingParameters.cacheSalt(body);
    Logprobs logprobs = wantsLogprobs ? new Logprobs(top, true, false) : Logprobs.NONE;
    SamplingParameters.requireHoldable("logprobs", logprobs, (long) n * stop.maxTokens());
    return new ChatRequest(
        model,
        new SequenceRequest(prompt.ids(), 0, n, cacheSalt, sampling, stop, logprobs, grammar),
        wantsLogprobs,
        options);
  }

  private static int maxTokens(
      RequestBody body, String param, int promptTokens, ServedModel model) {
    if (param.equals("max_completion_tokens") && body.has("max_tokens")) {
      throw ApiException.invalid(
          "max_tokens", "'max_tokens' and 'max_completion_tokens' are the same: send only one");
    }
    if (body.has(param)) {
      return SamplingParameters.requireFit(param, body.integer(param, 0), promptTokens, model);
    }
    int least = Math.max(1, body.integer("min_tokens", 0));
    int room = model.maxModelTokens() - promptTokens;
    int most = body.has("n_predict") ? room : Math.min(model.chatMaxTokens(), room);
    return SamplingParameters.requireFit("messages", Math.max(least, most), promptTokens, model);
  }

  /** The text of a conversation as the model's template writes it, special tokens included. */
  static String render(JsonNode messages, ServedModel model) {
    List<Map<String, Object>> conversation = messages(messages, model);
    ChatTemplate template = model.chatTemplate();
    if (template == null) {
      throw ApiException.invalid(
          "messages",
          "the model %s has no chat template: use /v1/completions, or set tritium.chat-template"
              .formatted(model.id()));
    }
    try {
      return template.render(Map.of("messages", conversation, "add_generation_prompt", true));
    } catch (ChatTemplateException e) {
      throw ApiException.invalid(
          "messages", "the chat template refused the messages: " + e.getMessage());
    }
  }

  private static List<Map<String, Object>> messages(JsonNode value, ServedModel model) {
    if (!value.isArray() || value.isEmpty()) {
      throw ApiException.invalid("messages", "'messages' must be an array of at least one message");
    }
    List<Map<String, Object>> messages = new ArrayList<>(value.size());
    long length = 0;
    for (JsonNode message : value) {
      messages.add(message("messages[" + messages.size() + "]", message));
      length += String.valueOf(messages.getLast().get("content")).length();
    }
    Prompt.requireMayFit("messages", length, model); // templates take their time
    return messages;
  }

  /** A message as templates see it: role, content, and what else it has of a name or a tool. */
  private static Map<String, Object> message(String param, JsonNode message) {
    if (!message.isObject()) {
      throw ApiException.invalid(param, "'%s' must be an object".formatted(param));
    }
    JsonNode role = message.get("role");
    if (role == null || !role.isTextual() || !ROLES.contains(role.textValue())) {
      throw ApiException.invalid(
          param + ".role",
          "'%s.role' must be system, developer, user, assistant or tool".formatted(param));
    }
    boolean ofTool = role.textValue().equals("tool");
    Set<String> known =
        switch (role.textValue()) {
          case "tool" -> Set.of("role", "content", "name", "tool_call_id");
          case "assistant" -> Set.of("role", "content", "name", "parsed"); // it says content again
          default -> Set.of("role", "content", "name");
        };
    refuseOthers(param, message, known);
    Map<String, Object> seen = new HashMap<>();
    seen.put("role", role.textValue().equals("developer") ? "system" : role.textValue());
    seen.put("content", content(param + ".content", message.get("content")));
    if (message.hasNonNull("name")) {
      Shape.TEXT.check(param + ".name", message.get("name"));
      seen.put("name", message.get("name").textValue());
    }
    if (ofTool) {
      Shape.TEXT.check(param + ".tool_call_id", message.path("tool_call_id"));
      seen.put("tool_call_id", message.get("tool_call_id").textValue());
    }
    return seen;
  }

  /** Nothing is ignored in silence but what is off anyhow. */
  private static void refuseOthers(String param, JsonNode object, Set<String> known) {
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      JsonNode value = field.getValue();
      boolean isOff = value.isNull() || (value.isArray() && value.isEmpty());
      if (!known.contains(field.getKey()) && !isOff) {
        String name = param + "." + field.getKey();
        throw ApiException.invalid(name, "'%s' is not supported".formatted(name));
      }
    }
  }

  private static String content(String param, @Nullable JsonNode content) {
    if (content == null || content.isNull()) {
      throw ApiException.invalid(param, "'%s' is missing".formatted(param));
    }
    if (content.isTextual()) {
      return content.textValue();
    }
    if (!content.isArray() || content.isEmpty()) {
      throw ApiException.invalid(
          param, "'%s' must be a string or an array of text parts, at least one".formatted(param));
    }
    StringBuilder text = new StringBuilder();
    for (JsonNode part : content) {
      if (!part.path("type").asText().equals("text") || !part.path("text").isTextual()) {
        throw ApiException.invalid(
            param, "'%s' may hold only parts {\"type\": \"text\", \"text\": ...}".formatted(param));
      }
      refuseOthers(param, part, Set.of("type", "text"));
      text.append(part.get("text").textValue());
    }
    return text.toString();
  }
}
