package dev.tritium.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.tritium.testing.RandomSchema;
import dev.tritium.testing.Seeded;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Random schemas, random tokens of those that are allowed: every document must be valid. */
class RandomSchemasTest {
  private static final int BUDGET = 200;
  private static final SchemaRegistry SCHEMAS =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

  @Test
  void everyDocumentIsValidAndEndsWithinTheBudget() {
    int[] documents = {0};
    Seeded.check(
        1_000,
        random -> {
          Map<String, Object> schema = new RandomSchema(random).draw();
          Vocabulary vocabulary = Documents.mixed(random);
          TokenGrammar grammar = TokenGrammar.ofSchema(schema, vocabulary);
          assertTrue(grammar.tokensOfShortest() <= BUDGET, () -> "too long: " + schema);
          for (int budget : new int[] {BUDGET, Math.max(1, grammar.tokensOfShortest())}) {
            check(schema, grammar, vocabulary, budget, random);
            documents[0]++;
          }
        });
    assertEquals(2_000, documents[0]);
  }

  private static void check(
      Map<String, Object> schema,
      TokenGrammar grammar,
      Vocabulary vocabulary,
      int budget,
      SplittableRandom random) {
    Constraint constraint = grammar.newConstraint();
    byte[] bytes = Documents.walk(constraint, vocabulary, budget, random);
    String shown = new String(bytes, StandardCharsets.UTF_8);
    assertTrue(constraint.isComplete(), () -> shown + " of " + Documents.JSON.valueToTree(schema));
    try {
      CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      JsonNode document = Documents.JSON.readTree(text.toString());
      var errors = SCHEMAS.getSchema(Documents.JSON.valueToTree(schema)).validate(document);
      assertTrue(errors.isEmpty(), () -> errors.toString());
    } catch (java.io.IOException | AssertionError e) {
      throw new AssertionError(shown + " of " + Documents.JSON.valueToTree(schema), e);
    }
  }
}
