package dev.tritium.api.openai;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * The chunks of an answer that differ by their text alone, as most do: to make each as a tree took
 * a fifth of what a stream costs beside the engine.
 */
final class ChunkTemplates {
  private final String mark;
  private final Map<Integer, Template> templates = new HashMap<>(); // by choice

  /** A chunk but for its text: the JSON before it, a quotation mark included, and behind it. */
  private record Template(String before, String after) {}

  /**
   * Those of one answer.
   *
   * @param mark a text that stands nowhere in a chunk
   */
  ChunkTemplates(String mark) {
    this.mark = mark;
  }

  /**
   * The chunk of a choice with a text.
   *
   * @param chunk makes one with any choice and text, the slow way
   */
  String chunk(int choice, String text, BiFunction<Integer, String, String> chunk) {
    Template template =
        templates.computeIfAbsent(choice, index -> template(chunk.apply(index, mark)));
    StringBuilder json =
        new StringBuilder(template.before.length() + text.length() + 16 + template.after.length());
    json.append(template.before);
    JsonStringEncoder.getInstance().quoteAsString(text, json);
    return json.append(template.after).toString();
  }

  private Template template(String marked) {
    int at = marked.indexOf(mark);
    return new Template(marked.substring(0, at), marked.substring(at + mark.length()));
  }
}
