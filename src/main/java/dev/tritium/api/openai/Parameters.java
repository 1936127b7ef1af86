package dev.tritium.api.openai;

import java.util.ArrayList;
import java.util.List;

/**
 * The table of parameters of each endpoint. What is not in it is unknown and refused by name; null
 * means that a parameter was not given.
 */
final class Parameters {
  /** Answers of one request, over all its prompts. */
  static final int MAX_CHOICES = 128;

  private static final long MAX_INT = Integer.MAX_VALUE;

  /** What completions and chat share. */
  private static final List<Parameter> SHARED =
      List.of(
          Parameter.of("model", Parameter.Type.STRING),
          Parameter.of("stream", Parameter.Type.BOOLEAN),
          Parameter.of("stream_options", Parameter.Type.ANY),
          Parameter.number("temperature", 0, 2),
          Parameter.number("top_p", 0, 1),
          Parameter.integer("top_k", -1, MAX_INT),
          Parameter.number("min_p", 0, 1),
          Parameter.number("typical_p", 0.01, 1),
          Parameter.number("repetition_penalty", 0.01, 10),
          Parameter.number("presence_penalty", -2, 2),
          Parameter.number("frequency_penalty", -2, 2),
          Parameter.of("logit_bias", Parameter.Type.ANY),
          Parameter.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
          Parameter.of("stop", Parameter.Type.ANY),
          Parameter.of("stop_token_ids", Parameter.Type.ANY),
          Parameter.integer("min_tokens", 0, MAX_INT),
          Parameter.of("ignore_eos", Parameter.Type.BOOLEAN),
          Parameter.integer("n", 1, MAX_CHOICES),
          Parameter.of("cache_salt", Parameter.Type.STRING),
          Parameter.of("response_format", Parameter.Type.ANY),
          Parameter.notYet("return_token_ids", "false"),
          Parameter.notYet("timings_per_token", "false"),
          Parameter.accepted("user"),
          Parameter.accepted("metadata"),
          Parameter.accepted("store"),
          Parameter.accepted("service_tier"),
          Parameter.accepted("safety_identifier"),
          Parameter.accepted("prompt_cache_key"));

  static final List<Parameter> COMPLETIONS =
      with(
          SHARED,
          Parameter.of("prompt", Parameter.Type.ANY),
          Parameter.integer("max_tokens", 0, MAX_INT),
          Parameter.integer("logprobs", 0, 5),
          Parameter.of("echo", Parameter.Type.BOOLEAN),
          Parameter.integer("best_of", 1, MAX_CHOICES),
          Parameter.notYet("suffix", "\"\""));

  static final List<Parameter> CHAT =
      with(
          SHARED,
          Parameter.of("messages", Parameter.Type.ANY),
          Parameter.integer("max_tokens", 1, MAX_INT),
          Parameter.integer("max_completion_tokens", 1, MAX_INT),
          Parameter.of("logprobs", Parameter.Type.BOOLEAN),
          Parameter.integer("top_logprobs", 0, 20),
          Parameter.notYet("tools", "[]"),
          Parameter.notYet("tool_choice", "\"none\"", "\"auto\""),
          Parameter.notYet("functions", "[]"),
          Parameter.notYet("function_call", "\"none\"", "\"auto\""),
          Parameter.notYet("modalities", "[\"text\"]"),
          Parameter.notYet("audio"),
          Parameter.notYet("prediction"),
          Parameter.notYet("reasoning_effort", "\"none\""),
          Parameter.notYet("verbosity", "\"medium\""),
          Parameter.notYet("web_search_options"),
          Parameter.accepted("parallel_tool_calls"));

  static final List<Parameter> TOKENIZE =
      List.of(
          Parameter.of("model", Parameter.Type.STRING),
          Parameter.of("prompt", Parameter.Type.STRING),
          Parameter.of("messages", Parameter.Type.ANY),
          Parameter.of("add_special_tokens", Parameter.Type.BOOLEAN));

  static final List<Parameter> DETOKENIZE =
      List.of(
          Parameter.of("model", Parameter.Type.STRING), Parameter.of("tokens", Parameter.Type.ANY));

  private Parameters() {}

  private static List<Parameter> with(List<Parameter> shared, Parameter... own) {
    List<Parameter> all = new ArrayList<>(shared);
    all.addAll(List.of(own));
    return List.copyOf(all);
  }
}
