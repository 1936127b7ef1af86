package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.grammar.TokenGrammar;
import java.util.ArrayList;
import java.util.List;

/**
 * A completion request after every check: nothing behind the HTTP edge validates again.
 *
 * @param sequences one for each prompt
 * @param n choices for each prompt; more may be drawn, then the best are shown
 * @param logprobs whether log-probabilities are part of the answer
 */
record CompletionRequest(
    ServedModel model,
    List<Prompt> prompts,
    List<SequenceRequest> sequences,
    int n,
    boolean echo,
    boolean logprobs,
    AnswerOptions options) {

  private static final int DEFAULT_MAX_TOKENS = 16; // OpenAI's

  /**
   * Reads the JSON body of {@code POST /v1/completions}.
   *
   * @throws ApiException with OpenAI's {@code param} when a field is unknown, of the wrong type or
   *     out of range
   */
  static CompletionRequest read(byte[] bytes, Models models) {
    RequestBody body = RequestBody.read(bytes, Parameters.COMPLETIONS);
    ServedModel model = models.require(body.text("model"));
    AnswerOptions options = AnswerOptions.read(body);
    boolean echo = body.flag("echo", false);
    if (body.integer("max_tokens", DEFAULT_MAX_TOKENS) == 0 && !echo) {
      throw ApiException.invalid("max_tokens", "'max_tokens' may be 0 only with 'echo': true");
    }
    JsonNode value = body.get("prompt");
    if (value == null) {
      throw ApiException.invalid("prompt", "'prompt' is missing");
    }
    Sampling sampling = SamplingParameters.sampling(body, model);
    List<Prompt> prompts = Prompt.read(value, echo, model);
    int maxTokens = maxTokens(body, prompts, model);
    StopRules stop = SamplingParameters.stopRules(body, model, maxTokens);
    TokenGrammar grammar = ResponseFormat.read(body, stop, "max_tokens", model);
    String cacheSalt = SamplingParameters.cacheSalt(body);
    int n = SamplingParameters.answers(body, "n", 1, prompts.size(), model);
    int drawn = drawn(body, n, options.stream(), prompts.size(), model);
    boolean showsLogprobs = body.has("logprobs");
    Logprobs logprobs =
        new Logprobs(
            body.integer("logprobs", 0), showsLogprobs || drawn > n, showsLogprobs && echo);
    long echoed = logprobs.prompt() ? n * prompts.stream().mapToLong(p -> p.ids().length).sum() : 0;
    SamplingParameters.requireHoldable(
        "logprobs", logprobs, echoed + (long) prompts.size() * drawn * maxTokens);
    List<SequenceRequest> sequences = new ArrayList<>(prompts.size());
    for (Prompt prompt : prompts) {
      String param = body.has("max_tokens") ? "max_tokens" : "prompt";
      SamplingParameters.requireFit(param, maxTokens, prompt.ids().length, model);
      int choice = sequences.size() * drawn;
      sequences.add(
          new SequenceRequest(
              prompt.ids(), choice, drawn, cacheSalt, sampling, stop, logprobs, grammar));
    }
    return new CompletionRequest(model, prompts, sequences, n, echo, showsLogprobs, options);
  }

  private static int maxTokens(RequestBody body, List<Prompt> prompts, ServedModel model) {
    int otherwise = DEFAULT_MAX_TOKENS;
    if (body.has("n_predict")) {
      int longest = prompts.stream().mapToInt(prompt -> prompt.ids().length).max().orElseThrow();
      otherwise = Math.max(1, model.maxModelTokens() - longest);
    }
    return body.integer("max_tokens", otherwise);
  }

  /** The answers of each prompt from which the best n are chosen. */
  private static int drawn(
      RequestBody body, int n, boolean stream, int prompts, ServedModel model) {
    if (body.integer("best_of", 0) == 0) {
      return n;
    }
    int drawn = SamplingParameters.answers(body, "best_of", n, prompts, model);
    if (drawn < n) {
      throw ApiException.invalid(
          "best_of", "'best_of' (%d) must not be below 'n' (%d)".formatted(drawn, n));
    }
    if (drawn > n && stream) {
      throw ApiException.invalid(
          "best_of",
          "the best of %d answers is known only when all have ended, so 'best_of' above 'n' cannot"
                  .formatted(drawn)
              + " be streamed: leave out 'best_of' or 'stream'");
    }
    return drawn;
  }
}
