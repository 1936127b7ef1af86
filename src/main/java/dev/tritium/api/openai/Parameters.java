package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The table of parameters of each endpoint. What is not in it is unknown and refused by name; null
 * means that a parameter was not given.
 */
final class Parameters {
  /** Answers of one request, over all its prompts. */
  static final int MAX_CHOICES = 128;

  static final int MAX_SALT_LENGTH = 256; // UTF-16 units
  static final int MAX_STOPS = 4;
  static final int MAX_STOP_LENGTH = 1024; // UTF-16 units; each new token searches them
  static final int MAX_STOP_TOKENS = 1024;
  static final int MAX_BIASES = 1024;
  static final int MAX_BIAS = 100;
  private static final int MAX_BEST_OF = 20;
  private static final int MAX_METADATA = 16;
  private static final int MAX_METADATA_NAME = 64; // UTF-16 units
  private static final int MAX_METADATA_VALUE = 512; // UTF-16 units

  private static final long MAX_INT = Integer.MAX_VALUE;

  private static final String IDS =
      """
      {"type": "array", "items": {"type": "integer", "minimum": 0}}""";

  private static final Parameter MODEL =
      Parameter.of("model", Shape.TEXT, "the first model", "Id of a model, as `/v1/models` has");

  private static final Shape PROMPT =
      Shape.of(
          "a string, an array of strings, an array of token ids or an array of such arrays (at most"
              + " %d)".formatted(MAX_CHOICES),
          """
          {"oneOf": [{"type": "string"},
           {"type": "array", "minItems": 1, "maxItems": %1$d, "items": {"type": "string"}},
           {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}},
           {"type": "array", "minItems": 1, "maxItems": %1$d, "items":
            {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}}}]}"""
              .formatted(MAX_CHOICES));

  /** Fields of a message that are not here may be null or an empty array, as some clients send. */
  private static final Shape MESSAGES =
      Shape.of(
          "an array of `{role, content, name}`, for role tool with `tool_call_id`, for assistant with"
              + " `parsed` (clients add it, and it is not looked at), where content is a string or an"
              + " array of at least one text part",
          """
          {"type": "array", "minItems": 1, "items": {"type": "object",
           "required": ["role", "content"],
           "properties": {
            "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
            "content": {"oneOf": [{"type": "string"},
             {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["type", "text"],
              "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
              "additionalProperties": {"enum": [null, []]}}}]},
            "name": {"type": ["string", "null"]},
            "tool_call_id": {"type": ["string", "null"], "description": "Required for role tool"},
            "parsed": {"description": "For assistant alone: what a client read out of content"}},
           "additionalProperties": {"enum": [null, []]}}}""");

  private static final Shape STREAM_OPTIONS =
      Shape.of(
          "an object of `include_usage`, `continuous_usage_stats` and `include_obfuscation`, true or"
              + " false",
          """
          {"type": "object", "additionalProperties": false, "properties": {
           "include_usage": {"type": ["boolean", "null"],
            "description": "One more chunk at the end, with usage and no choices"},
           "continuous_usage_stats": {"type": ["boolean", "null"],
            "description": "Usage so far in every chunk; needs include_usage"},
           "include_obfuscation": {"type": ["boolean", "null"],
            "description": "Random letters in every chunk, so that sizes tell less of the text"}}}""");

  private static final Shape LOGIT_BIAS =
      Shape.of(
          "an object of at most %,d token ids, each with a number from -%d to %d"
              .formatted(MAX_BIASES, MAX_BIAS, MAX_BIAS),
          """
          {"type": "object", "maxProperties": %d, "propertyNames": {"pattern": "^(0|[1-9][0-9]{0,8})$"},
           "additionalProperties": {"type": "number", "minimum": -%d, "maximum": %d}}"""
              .formatted(MAX_BIASES, MAX_BIAS, MAX_BIAS));

  private static final Shape STOP =
      Shape.of(
          "a string or an array of up to %d strings, each of 1 to %,d characters"
              .formatted(MAX_STOPS, MAX_STOP_LENGTH),
          """
          {"oneOf": [{"type": "string", "minLength": 1, "maxLength": %1$d},
           {"type": "array", "maxItems": %2$d,
            "items": {"type": "string", "minLength": 1, "maxLength": %1$d}}]}"""
              .formatted(MAX_STOP_LENGTH, MAX_STOPS));

  private static final Shape STOP_TOKENS =
      Shape.of(
          "an array of up to %,d token ids".formatted(MAX_STOP_TOKENS),
          """
          {"type": "array", "maxItems": %d, "items": {"type": "integer", "minimum": 0}}"""
              .formatted(MAX_STOP_TOKENS));

  private static final Shape RESPONSE_FORMAT =
      Shape.of(
          "`{\"type\": \"text\"}`, `{\"type\": \"json_object\"}` or `{\"type\": \"json_schema\","
              + " \"json_schema\": {name, schema, strict, description}}`",
          """
          {"oneOf": [
           {"type": "object", "required": ["type"], "properties": {
             "type": {"enum": ["text", "json_object"]}}, "additionalProperties": {"type": "null"}},
           {"type": "object", "required": ["type", "json_schema"], "properties": {
             "type": {"const": "json_schema"},
             "json_schema": {"type": "object", "required": ["name", "schema"], "properties": {
               "name": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"},
               "schema": {"type": "object"},
               "strict": {"type": ["boolean", "null"]},
               "description": {"type": ["string", "null"]}},
              "additionalProperties": {"type": "null"}}},
            "additionalProperties": {"type": "null"}}]}""");

  /** What completions and chat share, and this server does. */
  static final List<Parameter> SHARED =
      List.of(
          MODEL,
          Parameter.of("stream", Shape.FLAG, "false", "Answer with events while it is drawn"),
          Parameter.of(
              "stream_options", STREAM_OPTIONS, "none", "What a stream has besides; only there"),
          Parameter.of(
              "n", Shape.integer(1, MAX_CHOICES), "1", "Answers for each prompt, or conversation"),
          Parameter.of(
              "temperature",
              Shape.number("0", "2"),
              "1",
              "Divides the logits; 0 takes the likeliest token"),
          Parameter.of("do_sample", Shape.FLAG, "true", "TGI's; false is `temperature` 0"),
          Parameter.of(
              "top_k", Shape.integer(-1, MAX_INT), "0", "Likeliest tokens kept; 0 and -1 keep all"),
          Parameter.of(
              "typical_p", Shape.number("0.01", "1"), "1", "Mass of the most typical tokens kept"),
          Parameter.of("top_p", Shape.number("0", "1"), "1", "Mass of the likeliest tokens kept"),
          Parameter.of(
              "min_p", Shape.number("0", "1"), "0", "Least probability, as share of the greatest"),
          Parameter.of(
              "repetition_penalty",
              Shape.number("0.01", "10"),
              "1",
              "Divides positive logits of tokens in prompt or answer, multiplies negative ones"),
          Parameter.of(
              "presence_penalty",
              Shape.number("-2", "2"),
              "0",
              "Taken from the logit of each token in the answer"),
          Parameter.of(
              "frequency_penalty",
              Shape.number("-2", "2"),
              "0",
              "Taken from it each time that the token is there"),
          Parameter.of(
              "repeat_last_n",
              Shape.integer(-1, MAX_INT),
              "-1",
              "llama.cpp's: tokens that penalties look back on. Here they look at all (-1); other"
                  + " values only without penalties"),
          Parameter.of("logit_bias", LOGIT_BIAS, "none", "Added to the logits of these tokens"),
          Parameter.of(
              "seed",
              Shape.integer(Long.MIN_VALUE, Long.MAX_VALUE),
              "random",
              "The same seed, the same answer"),
          Parameter.of(
              "stop", STOP, "none", "Text that ends an answer, and is not part of it any more"),
          Parameter.of("stop_token_ids", STOP_TOKENS, "none", "Tokens that end an answer"),
          Parameter.of(
              "n_predict",
              new Shape(
                  "-1 (a limit is `max_tokens`)",
                  Shape.oneOf("-1").schema(),
                  Shape.oneOf("-1").fits()),
              "none",
              "llama.cpp's: as many tokens as fit beside the prompt, if there is no `max_tokens`"),
          Parameter.of(
              "min_tokens",
              Shape.integer(0, MAX_INT),
              "0",
              "Before them no end-of-text, stop token or stop text ends the answer"),
          Parameter.of("ignore_eos", Shape.FLAG, "false", "End-of-text is a token like any other"),
          Parameter.of(
              "response_format", RESPONSE_FORMAT, "text", "Answers that are JSON (see below)"),
          Parameter.of(
              "cache_salt",
              Shape.text(MAX_SALT_LENGTH),
              "none",
              "Prefixes computed for another salt are not used; changes no answer"),
          Parameter.of(
              "return_token_ids",
              Shape.FLAG,
              "false",
              "`prompt_token_ids` and `token_ids` in the answer"),
          Parameter.of(
              "timings_per_token", Shape.FLAG, "false", "`timings` in the answer and each chunk"));

  /** Of completions alone. */
  static final List<Parameter> COMPLETIONS_ONLY =
      List.of(
          Parameter.of("prompt", PROMPT, Parameter.REQUIRED, "What the answer continues"),
          Parameter.of(
              "max_tokens",
              Shape.integer(0, MAX_INT),
              "16",
              "Most tokens of an answer; 0 only with `echo`"),
          Parameter.of("echo", Shape.FLAG, "false", "The answer's text begins with the prompt"),
          Parameter.of(
              "logprobs",
              Shape.integer(0, 5),
              "none",
              "Log-probabilities of the tokens, and so many alternatives for each"),
          Parameter.of(
              "best_of",
              Shape.integer(0, MAX_BEST_OF),
              "`n`",
              "Answers drawn, of which the `n` likeliest are shown; above `n` not with `stream`; 0 is `n`"));

  /** Of chat alone. */
  static final List<Parameter> CHAT_ONLY =
      List.of(
          Parameter.of(
              "messages",
              MESSAGES,
              Parameter.REQUIRED,
              "The conversation; roles are system, developer (the same), user, assistant and tool"),
          Parameter.of(
              "max_completion_tokens",
              Shape.integer(1, MAX_INT),
              "`tritium.chat-max-tokens`",
              "Most tokens of an answer"),
          Parameter.of(
              "max_tokens", Shape.integer(1, MAX_INT), "the same", "Its older name; send only one"),
          Parameter.of("logprobs", Shape.FLAG, "false", "Log-probabilities of the tokens"),
          Parameter.of(
              "top_logprobs",
              Shape.integer(0, 20),
              "0",
              "So many alternatives for each token; needs `logprobs`"));

  private static final Shape METADATA =
      new Shape(
          "an object of at most %d strings, each of at most %d characters, with names of at most %d"
              .formatted(MAX_METADATA, MAX_METADATA_VALUE, MAX_METADATA_NAME),
          """
          {"type": "object", "maxProperties": %d, "propertyNames": {"maxLength": %d},
           "additionalProperties": {"type": "string", "maxLength": %d}}"""
              .formatted(MAX_METADATA, MAX_METADATA_NAME, MAX_METADATA_VALUE),
          value ->
              value.isObject()
                  && value.size() <= MAX_METADATA
                  && value.propertyStream().allMatch(Parameters::isMetadata));

  private static final Shape CACHE_OPTIONS =
      new Shape(
          "an object of `mode`, \"implicit\" or \"explicit\", and `ttl`, a string",
          """
          {"type": "object", "additionalProperties": false, "properties": {
           "mode": {"enum": ["implicit", "explicit"]}, "ttl": {"type": "string"}}}""",
          value -> value.isObject() && value.propertyStream().allMatch(Parameters::isCacheOption));

  private static boolean isMetadata(Map.Entry<String, JsonNode> entry) {
    return entry.getKey().length() <= MAX_METADATA_NAME
        && Shape.text(MAX_METADATA_VALUE).fits().test(entry.getValue());
  }

  private static boolean isCacheOption(Map.Entry<String, JsonNode> entry) {
    return switch (entry.getKey()) {
      case "mode" -> List.of("implicit", "explicit").contains(entry.getValue().textValue());
      case "ttl" -> entry.getValue().isTextual();
      default -> false;
    };
  }

  /** OpenAI's, on both endpoints, that change nothing in the answer. */
  static final List<Parameter> ACCEPTED =
      List.of(
          Parameter.accepted("user", Shape.TEXT),
          Parameter.accepted("metadata", METADATA),
          Parameter.accepted("store", Shape.FLAG),
          Parameter.accepted(
              "service_tier",
              Shape.oneOf(
                  "\"auto\"", "\"default\"", "\"flex\"", "\"scale\"", "\"priority\"", "\"fast\"")),
          Parameter.accepted("safety_identifier", Shape.text(128)),
          Parameter.accepted("prompt_cache_key", Shape.TEXT),
          Parameter.accepted("prompt_cache_retention", Shape.oneOf("\"in_memory\"", "\"24h\"")),
          Parameter.accepted("prompt_cache_options", CACHE_OPTIONS));

  static final List<Parameter> ACCEPTED_CHAT =
      List.of(Parameter.accepted("parallel_tool_calls", Shape.FLAG));

  /** OpenAI's, of completions, that this server does not do. */
  static final List<Parameter> REFUSED_COMPLETIONS =
      List.of(Parameter.refused("suffix", "", "\"\""));

  /** OpenAI's, of chat, that this server does not do. */
  static final List<Parameter> REFUSED_CHAT =
      List.of(
          Parameter.refused("tools", "", "[]"),
          Parameter.refused("tool_choice", "", "\"none\"", "\"auto\""),
          Parameter.refused("functions", "", "[]"),
          Parameter.refused("function_call", "", "\"none\"", "\"auto\""),
          Parameter.refused("modalities", "", "[\"text\"]"),
          Parameter.refused("audio", ""),
          Parameter.refused("prediction", ""),
          Parameter.refusedSince(
              "reasoning_effort", "the models here do not reason before they answer", "\"none\""),
          Parameter.refused("verbosity", "", "\"medium\""),
          Parameter.refused("web_search_options", ""),
          Parameter.refused("moderation", ""));

  /** What vLLM, llama-server and TGI take besides, on both endpoints. */
  static final List<Parameter> REFUSED_OF_PEERS =
      List.of(
          // vLLM
          Parameter.refused("use_beam_search", "best_of", "false"),
          Parameter.refused("length_penalty", "", "1"),
          Parameter.refused("include_stop_str_in_output", "", "false"),
          Parameter.refused("skip_special_tokens", "", "true"),
          Parameter.refused("spaces_between_special_tokens", "", "true"),
          Parameter.refused("truncate_prompt_tokens", ""),
          Parameter.refused("prompt_logprobs", "echo"),
          Parameter.refused("allowed_token_ids", "response_format"),
          Parameter.refused("bad_words", "logit_bias", "[]"),
          Parameter.refused("structured_outputs", "response_format"),
          Parameter.refused("guided_json", "response_format"),
          Parameter.refused("guided_regex", "response_format"),
          Parameter.refused("guided_choice", "response_format"),
          Parameter.refused("guided_grammar", "response_format"),
          Parameter.refused("return_tokens_as_token_ids", "return_token_ids", "false"),
          Parameter.refused("chat_template", ""),
          Parameter.refused("chat_template_kwargs", "", "{}"),
          Parameter.refused("add_generation_prompt", "", "true"),
          Parameter.refused("continue_final_message", "", "false"),
          Parameter.refused("priority", "", "0"),
          // llama-server
          Parameter.refused("repeat_penalty", "repetition_penalty", "1"),
          Parameter.refused("n_probs", "logprobs", "0"),
          Parameter.refused("grammar", "response_format", "\"\""),
          Parameter.refused("json_schema", "response_format"),
          Parameter.refused("cache_prompt", "", "true"),
          Parameter.refused("id_slot", "", "-1"),
          Parameter.refused("mirostat", "", "0"),
          Parameter.refused("dynatemp_range", "temperature", "0"),
          Parameter.refused("xtc_probability", "", "0"),
          Parameter.refused("dry_multiplier", "repetition_penalty", "0"),
          Parameter.refused("top_n_sigma", "min_p", "-1"),
          Parameter.refused("samplers", ""),
          Parameter.refused("return_tokens", "return_token_ids", "false"),
          Parameter.refused("return_progress", "", "false"),
          Parameter.refused("lora", "", "[]"),
          // TGI
          Parameter.refused("inputs", "prompt"),
          Parameter.refused("parameters", "", "{}"),
          Parameter.refused("max_new_tokens", "max_tokens"),
          Parameter.refused("return_full_text", "echo", "false"),
          Parameter.refused("details", "logprobs", "false"),
          Parameter.refused("decoder_input_details", "echo", "false"),
          Parameter.refused("top_n_tokens", "logprobs", "0"),
          Parameter.refused("truncate", ""),
          Parameter.refused("watermark", "", "false"),
          Parameter.refused("adapter_id", ""));

  static final Map<String, Parameter> COMPLETIONS =
      all(List.of(COMPLETIONS_ONLY, SHARED, ACCEPTED, REFUSED_COMPLETIONS, REFUSED_OF_PEERS));

  static final Map<String, Parameter> CHAT =
      all(List.of(CHAT_ONLY, SHARED, ACCEPTED, ACCEPTED_CHAT, REFUSED_CHAT, REFUSED_OF_PEERS));

  static final List<Parameter> TOKENIZE_ROWS =
      List.of(
          MODEL,
          Parameter.of("prompt", Shape.TEXT, "none", "A text; this or `messages`"),
          Parameter.of("messages", MESSAGES, "none", "A conversation; this or `prompt`"),
          Parameter.of(
              "add_special_tokens",
              Shape.FLAG,
              "true; false for `messages`",
              "The tokenizer's special tokens, such as a BOS; a template writes them itself"));

  static final List<Parameter> DETOKENIZE_ROWS =
      List.of(
          MODEL,
          Parameter.of(
              "tokens",
              Shape.of("an array of token ids", IDS),
              Parameter.REQUIRED,
              "At most `tritium.max-model-len` ids"));

  static final List<Parameter> LOAD_ROWS =
      List.of(
          Parameter.of(
              "model",
              Shape.TEXT,
              Parameter.REQUIRED,
              "What `--model` takes, without a name: a folder on the server, or an id on the hub"),
          Parameter.of(
              "name",
              Shape.TEXT,
              "the folder's name, or the id",
              "What clients are to call the model"));

  static final Map<String, Parameter> TOKENIZE = all(List.of(TOKENIZE_ROWS));
  static final Map<String, Parameter> DETOKENIZE = all(List.of(DETOKENIZE_ROWS));
  static final Map<String, Parameter> LOAD = all(List.of(LOAD_ROWS));

  private Parameters() {}

  /** The rows by name, in their order. */
  private static Map<String, Parameter> all(List<List<Parameter>> lists) {
    Map<String, Parameter> table = new LinkedHashMap<>();
    for (List<Parameter> rows : lists) {
      for (Parameter row : rows) {
        if (table.put(row.name(), row) != null) {
          throw new IllegalStateException(row.name() + " is there twice");
        }
      }
    }
    return Collections.unmodifiableMap(table);
  }

  /** The JSON Schema (draft 2020-12) of an endpoint's request body. */
  static ObjectNode requestSchema(Map<String, Parameter> table) {
    ObjectNode schema = Json.object().put("type", "object");
    ArrayNode required = schema.putArray("required");
    ObjectNode properties = schema.putObject("properties");
    for (Parameter parameter : table.values()) {
      properties.set(parameter.name(), parameter.schema());
      if (parameter.otherwise().equals(Parameter.REQUIRED)) {
        required.add(parameter.name());
      }
    }
    return schema.put("additionalProperties", false);
  }
}
