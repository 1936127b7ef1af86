package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.AnswerDelta.AnswerToken;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.RequestAccount;
import dev.tritium.testing.Seeded;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

class ChunkTemplatesTest {
  private static final RequestAccount ACCOUNT = new RequestAccount(1, null);
  @AutoClose private static final IdleModel models = new IdleModel();

  @Test
  void textsAreWrittenAsInATree() {
    ObjectNode chunk = Json.object().put("before", "a\"b").put("text", "").put("after", 1);
    ChunkTemplates templates = new ChunkTemplates("MARK");
    Seeded.check(
        2_000,
        random -> {
          StringBuilder text = new StringBuilder();
          for (int i = random.nextInt(5); i > 0; i--) {
            int bound = random.nextBoolean() ? 0x80 : Character.MAX_CODE_POINT + 1;
            int codePoint = random.nextInt(bound);
            text.appendCodePoint(
                codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE
                    ? '"'
                    : codePoint);
          }
          assertEquals(
              chunk.put("text", text.toString()).toString(),
              templates.chunk(
                  0, text.toString(), (index, with) -> chunk.put("text", with).toString()));
        });
  }

  /** The chunk that ends an answer is made as a tree, so it shows what the others must be like. */
  @Test
  void chunksOfATemplateHaveTheFieldsOfThoseWithout() {
    AnswerFormat completion =
        new CompletionFormat(
            models.completion("prompt", "A", "n", 2, "stream", true, "max_tokens", 9));
    for (int choice = 0; choice < 2; choice++) {
      ObjectNode end = only(completion.events(delta(choice, "x", FinishReason.LENGTH), ACCOUNT));
      ((ObjectNode) end.at("/choices/0")).putNull("finish_reason");
      for (String text : List.of("x", "\"\\\n", "x")) {
        ((ObjectNode) end.at("/choices/0")).put("text", text);
        assertEquals(end, only(completion.events(delta(choice, text, null), ACCOUNT)));
      }
    }
  }

  private static AnswerDelta delta(int choice, String text, @Nullable FinishReason finish) {
    return new AnswerDelta(choice, List.of(), text, List.of(new AnswerToken(5, 0, null)), finish);
  }

  private static ObjectNode only(List<String> events) {
    assertEquals(1, events.size());
    JsonNode event = Json.readValue(events.getFirst());
    return (ObjectNode) event;
  }
}
