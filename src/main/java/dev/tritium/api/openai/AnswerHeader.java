package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.RequestAccount;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What every body and chunk of one answer begins with: the same id and time throughout.
 *
 * @param includeUsage whether the stream ends with usage, so that every other chunk has it as null
 */
record AnswerHeader(String id, long createdSeconds, String model, boolean includeUsage) {

  /**
   * A new answer.
   *
   * @param prefix of the id, such as {@code cmpl-}
   */
  static AnswerHeader create(String prefix, String model, boolean includeUsage) {
    String id = prefix + UUID.randomUUID().toString().replace("-", "");
    return new AnswerHeader(id, System.currentTimeMillis() / 1000, model, includeUsage);
  }

  /** A body without its choices. */
  ObjectNode body(String object) {
    ObjectNode json = Json.object();
    json.put("id", id);
    json.put("object", object);
    json.put("created", createdSeconds);
    json.put("model", model);
    return json;
  }

  /** A chunk of a stream with the choice in it. */
  String chunk(String object, ObjectNode choice) {
    ObjectNode json = body(object);
    json.putArray("choices").add(choice);
    if (includeUsage) {
      json.putNull("usage");
    }
    return json.toString();
  }

  /** The last chunk of a stream that was asked for usage. */
  String usageChunk(String object, RequestAccount account) {
    ObjectNode json = body(object);
    json.putArray("choices");
    json.set("usage", usage(account));
    return json.toString();
  }

  static ObjectNode usage(RequestAccount account) {
    ObjectNode json = Json.object();
    json.put("prompt_tokens", account.promptTokens());
    json.put("completion_tokens", account.answerTokens());
    json.put("total_tokens", account.promptTokens() + account.answerTokens());
    json.putObject("prompt_tokens_details").put("cached_tokens", account.cachedTokens());
    return json;
  }

  static @Nullable String finishReason(@Nullable FinishReason finish) {
    return finish == null ? null : finish.name().toLowerCase(Locale.ROOT);
  }
}
