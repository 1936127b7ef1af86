package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.RequestAccount;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What every body and chunk of one answer has around its choices: the same id and time. */
record AnswerHeader(
    String object, String id, long createdSeconds, ServedModel model, AnswerOptions options) {
  private static final MathContext JOULES_DIGITS = new MathContext(6);
  private static final SecureRandom RANDOM = new SecureRandom();

  /** What the sizes of chunks that are padded are multiples of, in bytes. */
  static final int PADDED_BYTES = 128;

  /**
   * A new answer.
   *
   * @param idPrefix such as {@code cmpl-}
   */
  static AnswerHeader create(
      String object, String idPrefix, ServedModel model, AnswerOptions options) {
    String id = idPrefix + UUID.randomUUID().toString().replace("-", "");
    return new AnswerHeader(object, id, System.currentTimeMillis() / 1000, model, options);
  }

  /** The beginning of a body or chunk, with no choice yet. */
  private ObjectNode withoutChoices() {
    ObjectNode json = Json.object();
    json.put("id", id);
    json.put("object", object);
    json.put("created", createdSeconds);
    json.put("model", model.id());
    json.putArray("choices");
    return json;
  }

  /** A whole answer. */
  ObjectNode body(List<ObjectNode> choices, RequestAccount account) {
    ObjectNode json = withoutChoices();
    json.withArray("choices").addAll(choices);
    json.set("usage", usage(account, account.answerTokens()));
    addTimings(json, account);
    return json;
  }

  /**
   * A chunk of a stream.
   *
   * @param shownTokens tokens of the answers, in the chunks up to this one
   */
  ObjectNode chunk(ObjectNode choice, RequestAccount account, int shownTokens) {
    ObjectNode json = withoutChoices();
    json.withArray("choices").add(choice);
    if (options.continuousUsage()) {
      json.set("usage", usage(account, shownTokens));
    } else if (options.includeUsage()) {
      json.putNull("usage");
    }
    addTimings(json, account);
    return json;
  }

  /**
   * Whether chunks without log-probabilities, ids and end differ by their choice and text alone.
   */
  boolean hasAlikeChunks() {
    return !options.continuousUsage()
        && !options.timings()
        && !options.obfuscation()
        && !options.tokenIds();
  }

  /** Empty ones for this answer; its id, which is random, marks their places. */
  ChunkTemplates templates() {
    return new ChunkTemplates("text of " + id);
  }

  /**
   * The JSON of a chunk that has everything else; padded with random letters where it should be.
   */
  String text(ObjectNode chunk) {
    if (options.obfuscation()) {
      chunk.put("obfuscation", "");
      int bytes = chunk.toString().getBytes(StandardCharsets.UTF_8).length;
      int missing = PADDED_BYTES - bytes % PADDED_BYTES;
      chunk.put(
          "obfuscation",
          RANDOM
              .ints(missing, 'a', 'z' + 1)
              .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
              .toString());
    }
    return chunk.toString();
  }

  /** What ends a stream: a chunk of usage if it was asked for. */
  List<String> closing(RequestAccount account) {
    if (!options.includeUsage()) {
      return List.of();
    }
    return List.of(body(List.of(), account).toString());
  }

  private ObjectNode usage(RequestAccount account, int answerTokens) {
    ObjectNode json = Json.object();
    json.put("prompt_tokens", account.promptTokens());
    json.put("completion_tokens", answerTokens);
    json.put("total_tokens", account.promptTokens() + answerTokens);
    json.putObject("prompt_tokens_details").put("cached_tokens", account.cachedTokens());
    EnergyLabel label = model.energy();
    double joules = account.joules();
    if (label != null && !Double.isNaN(joules)) {
      ObjectNode energy = json.putObject("energy");
      energy.put("joules", rounded(joules));
      energy.put("source", label.source());
      energy.put("quality", label.quality());
      energy.put("joules_per_token", answerTokens == 0 ? null : rounded(joules / answerTokens));
    }
    return json;
  }

  private static BigDecimal rounded(double joules) {
    return new BigDecimal(joules, JOULES_DIGITS);
  }

  /** In the names of llama.cpp's server; times of the whole request so far. */
  private void addTimings(ObjectNode json, RequestAccount account) {
    if (!options.timings()) {
      return;
    }
    long last = account.lastStepNanos();
    long first = account.firstTokenNanos() == 0 ? last : account.firstTokenNanos();
    ObjectNode timings = json.putObject("timings");
    timings.put("cache_n", account.cachedTokens());
    double promptMillis = millis(first - account.queueNanos());
    timings.put("prompt_n", account.prefilledTokens());
    putTimes(timings, "prompt", account.prefilledTokens(), promptMillis);
    double answerMillis = millis(last - first);
    timings.put("predicted_n", account.answerTokens());
    putTimes(timings, "predicted", account.answerTokens() - account.firstTokens(), answerMillis);
  }

  /** Rates are 0 while there is nothing to divide by. */
  private static void putTimes(ObjectNode timings, String name, int tokens, double millis) {
    timings.put(name + "_ms", millis);
    timings.put(name + "_per_token_ms", tokens == 0 ? 0 : millis / tokens);
    timings.put(name + "_per_second", millis == 0 ? 0 : 1_000 * tokens / millis);
  }

  private static double millis(long nanos) {
    return Math.max(0, nanos) / 1e6; // negative before the first step
  }

  /** The ids of a prompt or of an answer's tokens. */
  static ArrayNode ids(IntStream ids) {
    ArrayNode json = JsonNodeFactory.instance.arrayNode();
    ids.forEach(json::add);
    return json;
  }

  static @Nullable String finishReason(@Nullable FinishReason finish) {
    return finish == null ? null : finish.name().toLowerCase(Locale.ROOT);
  }
}
