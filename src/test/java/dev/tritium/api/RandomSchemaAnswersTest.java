package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.tritium.testing.Api;
import dev.tritium.testing.RandomSchema;
import dev.tritium.testing.Seeded;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Random schemas that many clients send to the bundled model: every answer must be valid. */
@QuarkusTest
class RandomSchemaAnswersTest {
  private static final int SCHEMAS = Seeded.cases(1_000);
  private static final int CLIENTS = 32;
  private static final int MAX_TOKENS = 200;
  private static final SchemaRegistry REGISTRY =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
  private static final ObjectReader READER =
      Api.JSON
          .reader()
          .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .with(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  @TestHTTPResource("/")
  URI uri;

  @Test
  void everyAnswerIsAWholeValidDocument() throws Exception {
    Api api = Api.ready(uri);
    List<Future<?>> answers = new ArrayList<>();
    try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
      for (int i = 0; i < SCHEMAS; i++) {
        int first = i;
        answers.add(clients.submit(() -> Seeded.check(first, 1, random -> check(api, random))));
      }
    }
    for (Future<?> answer : answers) {
      answer.get();
    }
  }

  private static void check(Api api, SplittableRandom random) {
    Map<String, Object> schema = new RandomSchema(random).draw();
    JsonNode answer =
        api.ask(
            "/v1/completions",
            "prompt",
            "Once upon a time",
            "max_tokens",
            MAX_TOKENS,
            "temperature",
            1,
            "seed",
            random.nextInt(),
            "response_format",
            Map.of("type", "json_schema", "json_schema", Map.of("name", "any", "schema", schema)));
    String text = answer.at("/choices/0/text").textValue();
    String shown = "%s of %s".formatted(text, Api.json(schema));
    assertEquals("stop", answer.at("/choices/0/finish_reason").textValue(), shown);
    assertTrue(answer.at("/usage/completion_tokens").intValue() <= MAX_TOKENS, shown);
    try {
      var errors =
          REGISTRY
              .getSchema(Api.JSON.<JsonNode>valueToTree(schema))
              .validate(READER.readTree(text));
      assertEquals(List.of(), errors, shown);
    } catch (JsonProcessingException e) {
      throw new AssertionError(shown, e);
    }
  }
}
