package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.Sse;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code response_format} on the bundled model, which has never seen JSON. */
@QuarkusTest
class JsonAnswersTest {
  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";
  private static final List<Map<String, String>> HELLO =
      List.of(Map.of("role", "user", "content", "Tell me of a cat"));
  private static final Map<String, String> JSON_OBJECT = Map.of("type", "json_object");
  private static final String SCHEMA =
      """
      {"type": "object", "additionalProperties": false, "required": ["name", "kind", "friends"],
       "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 20},
        "kind": {"enum": ["cat", "dog é😀"]}, "age": {"type": "integer", "minimum": 0, "maximum": 30},
        "friends": {"type": "array", "maxItems": 3, "items": {"$ref": "#"}}}}
      """;
  private static final int SHORTEST = "{'name':'a','kind':'cat','friends':[]}".length();

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri);
  }

  private static JsonNode read(String json) {
    try {
      return Api.JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new AssertionError(json, e);
    }
  }

  private static Map<String, Object> format(String schema) {
    return Map.of(
        "type", "json_schema", "json_schema", Map.of("name", "a", "schema", read(schema)));
  }

  private static void assertValid(String text) {
    Schema schema =
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12).getSchema(SCHEMA);
    assertEquals(List.of(), schema.validate(read(text)), text);
  }

  @Test
  void anyLimitGivesAWholeDocument() {
    for (int limit : new int[] {SHORTEST, SHORTEST + 1, SHORTEST + 9, 200}) {
      for (int seed = 0; seed < 5; seed++) {
        JsonNode answer =
            api.ask(
                COMPLETIONS,
                "prompt",
                "Once upon a time",
                "max_tokens",
                limit,
                "temperature",
                1,
                "seed",
                seed,
                "response_format",
                format(SCHEMA));
        assertEquals("stop", answer.at("/choices/0/finish_reason").textValue());
        assertValid(answer.at("/choices/0/text").textValue());
        assertTrue(answer.at("/usage/completion_tokens").intValue() <= limit, answer::toString);
      }
    }
  }

  @Test
  void aStreamIsThePlainDocumentInPieces() {
    Object[] body = {
      "messages",
      HELLO,
      "max_completion_tokens",
      100,
      "temperature",
      1,
      "seed",
      3,
      "n",
      3,
      "logprobs",
      true,
      "top_logprobs",
      2,
      "response_format",
      format(SCHEMA)
    };
    JsonNode plain = api.ask(CHAT, body);
    Object[] streamed = Arrays.copyOf(body, body.length + 2);
    streamed[body.length] = "stream";
    streamed[body.length + 1] = true;
    Sse stream = api.stream(CHAT, streamed);
    for (JsonNode choice : plain.get("choices")) {
      assertValid(choice.at("/message/content").textValue());
      assertEquals("stop", stream.finishReason(choice.get("index").intValue()));
    }
    assertEquals(plain.at("/choices/0/message/content").textValue(), stream.content());
  }

  @Test
  void anObjectIsAnObjectWhateverTheSampling() {
    for (int seed = 0; seed < 6; seed++) {
      JsonNode answer =
          api.ask(
              CHAT,
              "messages",
              HELLO,
              "max_tokens",
              2 + 10 * seed,
              "temperature",
              seed % 3,
              "top_p",
              seed % 2 == 0 ? 1 : 0.5,
              "frequency_penalty",
              1,
              "logit_bias",
              Map.of("2", 100),
              "response_format",
              JSON_OBJECT);
      String text = answer.at("/choices/0/message/content").textValue();
      assertTrue(read(text).isObject(), text);
      assertEquals("stop", answer.at("/choices/0/finish_reason").textValue());
    }
  }

  @Test
  void textAndNullAreText() {
    for (Object format : new Object[] {Map.of("type", "text"), null}) {
      String body = Api.body("prompt", "A", "max_tokens", 1, "response_format", format);
      assertEquals(200, api.post(COMPLETIONS, body).status(), body);
    }
  }

  @Test
  void whatEndsNoAnswerMayStandBesideAFormat() {
    JsonNode answer =
        api.ask(
            COMPLETIONS,
            "prompt",
            "A",
            "max_tokens",
            20,
            "response_format",
            JSON_OBJECT,
            "stop",
            List.of(),
            "stop_token_ids",
            List.of(),
            "min_tokens",
            0,
            "ignore_eos",
            false);
    assertTrue(read(answer.at("/choices/0/text").textValue()).isObject(), answer::toString);
  }

  static Stream<Arguments> badFormats() {
    String schema = "response_format.json_schema.schema";
    return Stream.of(
        arguments("{\"type\": \"string\", \"format\": \"date\"}", schema, "'format' at #/format"),
        arguments("{\"oneOf\": [{}]}", schema, "'oneOf' at #/oneOf"),
        arguments("{\"$ref\": \"http://localhost\"}", schema, "'$ref' at #/$ref"),
        arguments(
            "{\"type\": \"object\", \"required\": [\"a\"], \"properties\": {\"a\": {\"$ref\": \"#\"}}}",
            schema,
            "no document fits"),
        arguments("{\"type\": \"string\", \"minLength\": 50}", "max_tokens", "52 tokens"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badFormats")
  void aSchemaThatCannotBeMetIsRefused(String schema, String param, String message) {
    assertRefused(param, message, "response_format", format(schema));
  }

  @Test
  void aFormatThatIsWrongIsRefused() {
    assertRefused("response_format", "object", "response_format", "json");
    assertRefused("response_format.type", "json_schema", "response_format", Map.of("type", "xml"));
    assertRefused(
        "response_format.json_schema", "object", "response_format", Map.of("type", "json_schema"));
    assertRefused(
        "response_format.json_schema.name",
        "letters",
        "response_format",
        Map.of("type", "json_schema", "json_schema", Map.of("schema", Map.of())));
    assertRefused(
        "response_format.schema",
        "not known",
        "response_format",
        Map.of("type", "json_object", "schema", Map.of()));
    for (Object[] other :
        new Object[][] {
          {"stop", "a"}, {"stop_token_ids", List.of(5)}, {"min_tokens", 3}, {"ignore_eos", true}
        }) {
      assertRefused(
          (String) other[0], "beside", "response_format", JSON_OBJECT, other[0], other[1]);
    }
  }

  private void assertRefused(String param, String message, Object... more) {
    Object[] body = {"prompt", "A", "max_tokens", 20};
    Object[] all = Arrays.copyOf(body, body.length + more.length);
    System.arraycopy(more, 0, all, body.length, more.length);
    Answer answer = api.post(COMPLETIONS, Api.body(all));
    assertEquals(400, answer.status(), answer::toString);
    assertEquals(param, answer.json().at("/error/param").textValue(), answer::toString);
    String found = answer.json().at("/error/message").textValue();
    assertTrue(found.contains(message), found);
  }
}
