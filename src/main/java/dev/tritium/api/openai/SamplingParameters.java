package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.StopRules;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/** Reads what completions and chat share: how answers are drawn, and when they end. */
final class SamplingParameters {
  private static final int MAX_LOGPROBS = 1 << 20; // about half a KB each

  private static final Shape BIAS =
      Shape.number("-" + Parameters.MAX_BIAS, String.valueOf(Parameters.MAX_BIAS));

  private SamplingParameters() {}

  static Sampling sampling(RequestBody body, ServedModel model) {
    Sampling defaults = model.defaults();
    Sampling sampling =
        new Sampling(
            temperature(body, defaults.temperature()),
            Math.max(0, body.integer("top_k", defaults.topK())), // -1 means off, as 0 does
            body.number("top_p", defaults.topP()),
            body.number("min_p", defaults.minP()),
            body.number("typical_p", defaults.typicalP()),
            body.number("repetition_penalty", defaults.repetitionPenalty()),
            body.number("presence_penalty", defaults.presencePenalty()),
            body.number("frequency_penalty", defaults.frequencyPenalty()),
            logitBias(body, model),
            seed(body));
    boolean penalizes =
        sampling.repetitionPenalty() != 1
            || sampling.presencePenalty() != 0
            || sampling.frequencyPenalty() != 0;
    if (penalizes && body.integer("repeat_last_n", -1) != -1) {
      throw ApiException.invalid(
          "repeat_last_n",
          "penalties look at all tokens: 'repeat_last_n' other than -1 is not supported with them");
    }
    return sampling;
  }

  private static double temperature(RequestBody body, double defaultValue) {
    boolean greedy = !body.flag("do_sample", true);
    double temperature = body.number("temperature", greedy ? 0 : defaultValue);
    if (greedy && temperature != 0) {
      throw ApiException.invalid(
          "do_sample", "'do_sample': false is 'temperature' 0: leave out one of them");
    }
    return temperature;
  }

  private static long seed(RequestBody body) {
    JsonNode seed = body.get("seed");
    return seed == null ? ThreadLocalRandom.current().nextLong() : seed.longValue();
  }

  /**
   * How many answers each prompt gets.
   *
   * @param param the parameter that says so
   */
  static int answers(
      RequestBody body, String param, int defaultValue, int prompts, ServedModel model) {
    int answers = body.integer(param, defaultValue);
    if (answers * prompts > Parameters.MAX_CHOICES) {
      throw ApiException.invalid(
          param,
          "'%s' (%d) for each of %d prompts is more than %d answers: send fewer prompts at once"
              .formatted(param, answers, prompts, Parameters.MAX_CHOICES));
    }
    int maxRunning = model.scheduler().limits().maxRunning();
    if (answers > maxRunning) {
      throw ApiException.invalid(
          param,
          "'%s' (%d) must not be above the %d answers this server draws at once"
                  .formatted(param, answers, maxRunning)
              + " (tritium.scheduler.max-running)");
    }
    return answers;
  }

  /** What separates a tenant's cached prefixes from those of others; empty for none. */
  static String cacheSalt(RequestBody body) {
    return Objects.requireNonNullElse(body.text("cache_salt"), "");
  }

  private static Map<Integer, Double> logitBias(RequestBody body, ServedModel model) {
    JsonNode value = body.get("logit_bias");
    if (value == null) {
      return Map.of();
    }
    if (!value.isObject() || value.size() > Parameters.MAX_BIASES) {
      throw ApiException.invalid(
          "logit_bias",
          "'logit_bias' must be an object of at most %d token ids and their biases"
              .formatted(Parameters.MAX_BIASES));
    }
    Map<Integer, Double> biases = new HashMap<>();
    for (Map.Entry<String, JsonNode> entry : value.properties()) {
      int id = tokenId(entry.getKey(), model.vocabularySize());
      JsonNode bias = entry.getValue();
      if (!BIAS.fits().test(bias)) {
        throw ApiException.invalid(
            "logit_bias",
            "the bias of token %d must be a number from -%d to %d, found %s"
                .formatted(id, Parameters.MAX_BIAS, Parameters.MAX_BIAS, Shape.shown(bias)));
      }
      biases.put(id, bias.doubleValue());
    }
    return biases;
  }

  private static int tokenId(String key, int vocabularySize) {
    if (key.matches("0|[1-9][0-9]{0,8}") && Integer.parseInt(key) < vocabularySize) {
      return Integer.parseInt(key);
    }
    throw ApiException.invalid(
        "logit_bias",
        "'logit_bias' must have token ids from 0 to %d as keys, found \"%s\""
            .formatted(vocabularySize - 1, key.length() <= 50 ? key : key.substring(0, 50)));
  }

  /**
   * Reads the stop rules.
   *
   * @param maxTokens the answer's token limit
   */
  static StopRules stopRules(RequestBody body, ServedModel model, int maxTokens) {
    int minTokens = body.integer("min_tokens", 0);
    if (minTokens > maxTokens) {
      throw ApiException.invalid(
          "min_tokens",
          "'min_tokens' (%d) must not be above the answer's limit of %d tokens"
              .formatted(minTokens, maxTokens));
    }
    Set<Integer> stopTokens = new HashSet<>();
    if (!body.flag("ignore_eos", false)) {
      stopTokens.addAll(model.eosIds());
    }
    JsonNode ids = body.get("stop_token_ids");
    if (ids != null) {
      if (ids.size() > Parameters.MAX_STOP_TOKENS) {
        throw ApiException.invalid(
            "stop_token_ids",
            "'stop_token_ids' may hold at most %d ids".formatted(Parameters.MAX_STOP_TOKENS));
      }
      for (int id : TokenIds.read("stop_token_ids", ids, model.vocabularySize())) {
        stopTokens.add(id);
      }
    }
    return new StopRules(maxTokens, minTokens, stopStrings(body), stopTokens);
  }

  private static List<String> stopStrings(RequestBody body) {
    JsonNode value = body.get("stop");
    if (value == null) {
      return List.of();
    }
    List<String> stops = new ArrayList<>();
    for (JsonNode stop : value.isArray() ? value : List.of(value)) {
      if (!stop.isTextual()
          || stop.textValue().isEmpty()
          || stop.textValue().length() > Parameters.MAX_STOP_LENGTH
          || stops.size() == Parameters.MAX_STOPS) {
        throw ApiException.invalid(
            "stop",
            "'stop' must be a string or an array of up to %d strings, each of 1 to %d characters"
                .formatted(Parameters.MAX_STOPS, Parameters.MAX_STOP_LENGTH));
      }
      if (!StandardCharsets.UTF_8.newEncoder().canEncode(stop.textValue())) {
        throw ApiException.invalid("stop", "'stop' holds half of a surrogate pair");
      }
      stops.add(stop.textValue());
    }
    return stops;
  }

  /**
   * The answer's token limit, which must fit beside the prompt.
   *
   * @param param the parameter that set it
   */
  static int requireFit(String param, int maxTokens, int promptTokens, ServedModel model) {
    if ((long) promptTokens + maxTokens > model.maxModelTokens()) {
      throw new ApiException(
          ErrorKind.CONTEXT_LENGTH_EXCEEDED,
          param,
          "%d prompt tokens and %d for the answer are more than the %d this server takes"
                  .formatted(promptTokens, maxTokens, model.maxModelTokens())
              + " (tritium.max-model-len)");
    }
    return maxTokens;
  }

  /**
   * Bounds the log-probabilities that an answer holds in memory until it is read.
   *
   * @param tokens of all choices at their longest, echoed prompts included
   */
  static void requireHoldable(String param, Logprobs logprobs, long tokens) {
    long entries = logprobs.answer() || logprobs.prompt() ? tokens * (1 + logprobs.top()) : 0;
    if (entries > MAX_LOGPROBS) {
      throw ApiException.invalid(
          param,
          "an answer may hold %d log-probabilities, and this one could have %d (tokens of all"
                  .formatted(MAX_LOGPROBS, entries)
              + " choices, times alternatives and one): lower the token limit or send less at once");
    }
  }
}
