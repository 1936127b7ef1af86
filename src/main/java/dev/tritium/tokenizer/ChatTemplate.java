package dev.tritium.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model's chat template: Jinja, as transformers' {@code apply_chat_template} renders it; safe for
 * any number of threads.
 *
 * <p>The text is a prompt, not HTML: nothing is escaped, and what a message says is never run.
 * Templates are not trusted either: they reach no file and no Java, and size and steps are bounded.
 *
 * <p>Refused when read, because jinjava cannot do them: slices with a step ({@code messages[::-1]};
 * {@code messages | reverse} works), {@code for ... in ... if ...} and {@code else} of a {@code
 * for}, {@code }}} inside an expression. Refused when rendered: {@code include}, {@code import},
 * {@code extends}, {@code block}, {@code 'x' * 3}, {@code '%s' % x} and Python's methods beyond the
 * common ones. Different from Jinja2: {@code true} prints as {@code true}, not {@code True}, {@code
 * none} prints as nothing, and {@code range} ends after 1,000.
 */
public final class ChatTemplate {
  private static final String CONFIG = "tokenizer_config.json";
  private static final String TOKENS = "special_tokens_map.json";

  private final String source;
  private final Map<String, String> specialTokens; // such as bos_token: <s>

  private ChatTemplate(String source, Map<String, String> specialTokens) {
    this.source = source;
    this.specialTokens = Map.copyOf(specialTokens);
  }

  /**
   * The template of a model folder: {@code chat_template.jinja} or {@code chat_template} in {@code
   * tokenizer_config.json}; empty when it has none.
   *
   * @throws ChatTemplateException when there is one and it is broken
   */
  public static Optional<ChatTemplate> of(Path modelFolder) {
    Optional<String> source = source(modelFolder);
    return source.map(template -> parse(template, specialTokens(modelFolder)));
  }

  /**
   * A template that the user configured.
   *
   * @param specialTokens such as {@code bos_token} and {@code eos_token}; see {@link
   *     #specialTokens}
   * @throws ChatTemplateException naming the line of a syntax error
   */
  public static ChatTemplate parse(String source, Map<String, String> specialTokens) {
    // Jinja2 drops one newline at the template's end (keep_trailing_newline is off).
    String template = source.endsWith("\n") ? source.substring(0, source.length() - 1) : source;
    TemplateEngine.check(template);
    return new ChatTemplate(template, specialTokens);
  }

  /**
   * The special tokens of a model folder by their names in templates, from {@code
   * special_tokens_map.json} and {@code tokenizer_config.json}.
   */
  public static Map<String, String> specialTokens(Path modelFolder) {
    Map<String, String> tokens = new HashMap<>();
    for (String file : List.of(TOKENS, CONFIG)) { // the later one wins
      for (Map.Entry<String, JsonNode> entry : json(modelFolder.resolve(file)).properties()) {
        JsonNode value = entry.getValue();
        JsonNode content = value.isObject() ? value.path("content") : value;
        if (entry.getKey().endsWith("_token") && content.isTextual()) {
          tokens.put(entry.getKey(), content.asText());
        }
      }
    }
    return tokens;
  }

  /**
   * The prompt for a conversation, to be encoded without special tokens: the template writes them.
   *
   * @param addGenerationPrompt whether the prompt ends with what begins the assistant's answer
   * @throws ChatTemplateException with the template's own message when it refuses the messages
   */
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    List<Object> maps = new ArrayList<>();
    for (ChatMessage message : messages) {
      maps.add(
          new HashMap<String, Object>(
              Map.of("role", message.role(), "content", message.content())));
    }
    return render(Map.of("messages", maps, "add_generation_prompt", addGenerationPrompt));
  }

  /**
   * The prompt for any variables: {@code messages}, {@code add_generation_prompt}, {@code tools}...
   * as maps, lists, strings, numbers and booleans; the special tokens are added.
   *
   * @throws ChatTemplateException with the template's own message when it refuses them
   */
  public String render(Map<String, ?> variables) {
    Map<String, Object> all = new HashMap<>(specialTokens);
    all.putAll(variables);
    return TemplateEngine.render(source, all);
  }

  private static Optional<String> source(Path modelFolder) {
    Path file = modelFolder.resolve("chat_template.jinja");
    if (Files.isRegularFile(file)) {
      return Optional.of(read(file));
    }
    JsonNode template = json(modelFolder.resolve(CONFIG)).path("chat_template");
    for (JsonNode named : template.isArray() ? template : List.<JsonNode>of()) {
      if (named.path("name").asText().equals("default")) {
        template = named.path("template");
      }
    }
    return template.isTextual() ? Optional.of(template.asText()) : Optional.empty();
  }

  private static JsonNode json(Path file) {
    JsonMapper mapper = new JsonMapper();
    if (!Files.isRegularFile(file)) {
      return mapper.createObjectNode();
    }
    try {
      return mapper.readTree(read(file));
    } catch (IOException e) {
      throw new ChatTemplateException("%s is not JSON: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new ChatTemplateException("%s cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }
}
