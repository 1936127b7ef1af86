package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.grammar.Constraint;
import dev.tritium.grammar.SchemaException;
import dev.tritium.grammar.TokenGrammar;
import dev.tritium.grammar.Vocabulary;
import dev.tritium.testing.Api;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class GrammarsTest {
  private static final Vocabulary BYTES = bytes();

  private static Vocabulary bytes() {
    byte[][] pieces = new byte[256][];
    for (int b = 0; b < pieces.length; b++) {
      pieces[b] = new byte[] {(byte) b};
    }
    return new Vocabulary(pieces);
  }

  private static JsonNode schema(int number) {
    return Api.JSON.valueToTree(Map.of("type", "string", "maxLength", 100, "title", "" + number));
  }

  @Test
  void schemasAreKeptByTheirMemoryNotTheirNumber() {
    Grammars grammars = new Grammars(() -> BYTES, 4L << 20);
    TokenGrammar first = grammars.ofSchema(schema(0));
    for (int number = 1; number < 40; number++) {
      grammars.ofSchema(schema(number));
    }
    assertSame(first, grammars.ofSchema(schema(0)), "%d bytes".formatted(first.bytes()));
    for (int number = 1; number < 400; number++) {
      grammars.ofSchema(schema(number));
    }
    assertNotSame(first, grammars.ofSchema(schema(0)), "%d bytes".formatted(first.bytes()));
  }

  @Test
  void whatAGrammarFindsOutCounts() {
    long compiled =
        TokenGrammar.ofJsonObject(BYTES).bytes()
            + new Grammars(() -> BYTES, 4L << 20).ofSchema(schema(0)).bytes();
    Grammars grammars = new Grammars(() -> BYTES, compiled + 10_000);
    TokenGrammar objects = grammars.jsonObject();
    grammars.ofSchema(schema(0));
    assertSame(objects, grammars.jsonObject());
    grammars.ofSchema(schema(0));
    Constraint document = objects.newConstraint();
    for (int nested = 0; nested < 20; nested++) {
      "{\"a\":".chars().forEach(document::accept);
    }
    grammars.ofSchema(schema(0));
    assertNotSame(objects, grammars.jsonObject(), "%d bytes".formatted(objects.bytes()));
  }

  @Test
  void thoseWhoComeTogetherShareOne() throws Exception {
    Grammars grammars = new Grammars(() -> BYTES, 4L << 20);
    List<Future<TokenGrammar>> found = new ArrayList<>();
    try (ExecutorService clients = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < 16; i++) {
        found.add(clients.submit(() -> grammars.ofSchema(schema(0))));
      }
    }
    for (Future<TokenGrammar> grammar : found) {
      assertSame(found.getFirst().get(), grammar.get());
    }
  }

  @Test
  void aSchemaThatIsRefusedIsRefusedAgain() {
    Grammars grammars = new Grammars(() -> BYTES, 4L << 20);
    JsonNode never = Api.JSON.valueToTree(Map.of("not", Map.of()));
    String message =
        assertThrows(SchemaException.class, () -> grammars.ofSchema(never)).getMessage();
    assertEquals(
        message, assertThrows(SchemaException.class, () -> grammars.ofSchema(never)).getMessage());
  }
}
