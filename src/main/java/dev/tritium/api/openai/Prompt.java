package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.tokenizer.InvalidTextException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * One prompt, ready to run.
 *
 * @param ids at least one token, run as they are
 * @param text the text as sent; what ids decode to, for an echo
 */
record Prompt(int[] ids, String text) {
  /**
   * Reads {@code prompt}: a string, a list of strings, a list of ids, or a list of lists of ids.
   * Texts get the tokenizer's BOS, ids do not.
   *
   * @param echo whether the texts of id prompts are wanted
   */
  static List<Prompt> read(JsonNode value, boolean echo, ServedModel model) {
    if (value.isTextual()) {
      return List.of(ofText("prompt", value.textValue(), true, model));
    }
    if (!value.isArray()) {
      throw ApiException.invalid(
          "prompt",
          "'prompt' must be a string, an array of strings, an array of token ids or an array of"
              + " such arrays, found "
              + Shape.kindOf(value));
    }
    if (value.isEmpty()) {
      throw ApiException.invalid("prompt", "'prompt' must not be an empty array");
    }
    if (value.get(0).isNumber()) {
      return List.of(ofIds(value, echo, model));
    }
    if (value.size() > Parameters.MAX_CHOICES) {
      throw ApiException.invalid(
          "prompt", "at most %d prompts, found %d".formatted(Parameters.MAX_CHOICES, value.size()));
    }
    List<Prompt> prompts = new ArrayList<>(value.size());
    for (JsonNode element : value) {
      if (element.isTextual() && value.get(0).isTextual()) {
        prompts.add(ofText("prompt", element.textValue(), true, model));
      } else if (element.isArray() && value.get(0).isArray()) {
        prompts.add(ofIds(element, echo, model));
      } else {
        throw ApiException.invalid(
            "prompt",
            "'prompt' must hold only strings, only token ids or only arrays of token ids");
      }
    }
    return prompts;
  }

  /** A text as a prompt; see {@link #encode}. */
  static Prompt ofText(String param, String text, boolean addSpecialTokens, ServedModel model) {
    int[] ids = encode(param, text, addSpecialTokens, model);
    if (ids.length == 0) {
      throw ApiException.invalid(
          param, "'%s' has no tokens, and an answer needs one to begin with".formatted(param));
    }
    requireFit(param, ids.length, model);
    return new Prompt(ids, text);
  }

  /**
   * The ids of a text.
   *
   * @param param the parameter to blame for a text that is too long or not Unicode
   */
  static int[] encode(String param, String text, boolean addSpecialTokens, ServedModel model) {
    requireMayFit(param, text.length(), model);
    requireMayFit(param, text.getBytes(StandardCharsets.UTF_8).length, model);
    try {
      return model.tokenizer().encode(text, addSpecialTokens);
    } catch (InvalidTextException e) {
      throw ApiException.invalid(param, "'%s': %s".formatted(param, e.getMessage()));
    }
  }

  /** Refuses a text of so many bytes, or more, that cannot fit, before it is slowly encoded. */
  static void requireMayFit(String param, long bytes, ServedModel model) {
    if (bytes > (long) model.maxModelTokens() * model.tokenizer().longestPieceBytes()) {
      throw tooLong(param, "more than " + model.maxModelTokens(), model);
    }
  }

  private static Prompt ofIds(JsonNode array, boolean echo, ServedModel model) {
    if (array.isEmpty()) {
      throw ApiException.invalid("prompt", "a prompt of token ids must not be empty");
    }
    requireFit("prompt", array.size(), model);
    int[] ids = TokenIds.read("prompt", array, model.vocabularySize());
    return new Prompt(ids, echo ? model.tokenizer().decode(ids) : "");
  }

  /** Bounds the ids of a text. */
  static void requireFit(String param, int tokens, ServedModel model) {
    if (tokens > model.maxModelTokens()) {
      throw tooLong(param, String.valueOf(tokens), model);
    }
  }

  private static ApiException tooLong(String param, String tokens, ServedModel model) {
    return new ApiException(
        ErrorKind.CONTEXT_LENGTH_EXCEEDED,
        param,
        "the prompt has %s tokens; this server takes at most %d (tritium.max-model-len)"
            .formatted(tokens, model.maxModelTokens()));
  }
}
