package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import java.util.ArrayList;
import java.util.List;

/**
 * A completion request after every check: nothing behind the HTTP edge validates again.
 *
 * @param prompts one for each choice of the answer
 * @param logprobs whether log-probabilities are part of the answer
 */
record CompletionRequest(
    ServedModel model,
    List<Prompt> prompts,
    List<SequenceRequest> sequences,
    boolean echo,
    boolean logprobs,
    boolean stream,
    boolean includeUsage) {

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
    boolean stream = body.flag("stream", false);
    boolean echo = body.flag("echo", false);
    int maxTokens = body.integer("max_tokens", DEFAULT_MAX_TOKENS);
    if (maxTokens == 0 && !echo) {
      throw ApiException.invalid("max_tokens", "'max_tokens' may be 0 only with 'echo': true");
    }
    JsonNode value = body.get("prompt");
    if (value == null) {
      throw ApiException.invalid("prompt", "'prompt' is missing");
    }
    Sampling sampling = SamplingParameters.sampling(body, model);
    StopRules stop = SamplingParameters.stopRules(body, model, maxTokens);
    Logprobs logprobs =
        body.has("logprobs")
            ? new Logprobs(body.integer("logprobs", 0), true, echo)
            : Logprobs.NONE;
    boolean includeUsage = SamplingParameters.includeUsage(body, stream);
    List<Prompt> prompts = Prompt.read(value, echo, model);
    List<SequenceRequest> sequences = new ArrayList<>(prompts.size());
    for (Prompt prompt : prompts) {
      String param = body.has("max_tokens") ? "max_tokens" : "prompt";
      SamplingParameters.requireFit(param, maxTokens, prompt.ids().length, model);
      sequences.add(new SequenceRequest(prompt.ids(), sequences.size(), sampling, stop, logprobs));
    }
    return new CompletionRequest(
        model, prompts, sequences, echo, logprobs.answer(), stream, includeUsage);
  }
}
