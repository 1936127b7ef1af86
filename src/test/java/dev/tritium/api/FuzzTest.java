package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.Seeded;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * Bodies that nobody would send: none is a failure of the server, and what each is answered with is
 * as the OpenAPI document says, as is every body that succeeds.
 */
@QuarkusTest
@TestProfile(FuzzTest.ShortAnswers.class)
class FuzzTest {
  private static final int CASES = Seeded.cases(10_000);
  private static final int CLIENTS = 4;

  /** Values that mean something elsewhere, or nothing. */
  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "false",
          "0",
          "-0.0",
          "1",
          "-1",
          "2",
          "0.5",
          "1.0",
          "1e-320",
          "1e308",
          "1e999999999",
          "2147483647",
          "2147483648",
          "-9223372036854775808",
          "18446744073709551616",
          "\"\"",
          "\"1\"",
          "\"true\"",
          "\"text\"",
          "\"\\u0000\"",
          "\"\\ud800\"",
          "\"🎉👩‍🚀\\u202e\\ufffe\"",
          "\"%s%n${jndi:x}../../etc/passwd\"",
          "\"" + "long ".repeat(2_000) + "\"",
          "[]",
          "{}",
          "[null]",
          "[1, \"a\", {}]",
          "{\"\": null}",
          "{\"type\": \"object\"}",
          "{\"1\": 1, \"4095\": -100}",
          "[".repeat(90) + "]".repeat(90),
          "{\"a\":".repeat(60) + "1" + "}".repeat(60));

  @TestHTTPResource("/")
  URI uri;

  /** The settings: a case is to take no longer than it must. */
  public static final class ShortAnswers implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "tritium.max-model-len", "64",
          "tritium.chat-max-tokens", "4",
          "tritium.scheduler.max-running", "8");
    }
  }

  /** A valid request, and the schema of its endpoint's requests. */
  private record Valid(String path, JsonNode body, JsonNode parameters) {}

  @Test
  void noBodyIsAFailureOfTheServer() throws Exception {
    Api api = Api.ready(uri);
    List<Valid> valid = valid(api.get("/q/openapi.json").json());
    AtomicInteger succeeded = new AtomicInteger();
    AtomicInteger refused = new AtomicInteger();
    List<Future<?>> running = new ArrayList<>();
    try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
      for (int i = 0; i < CASES; i += CASES / CLIENTS) {
        int first = i;
        running.add(
            clients.submit(
                () ->
                    Seeded.check(
                        first,
                        CASES / CLIENTS,
                        random -> {
                          Valid request = valid.get(random.nextInt(valid.size()));
                          String body = mutated(request, random);
                          Answer answer = api.post(request.path, body);
                          assertTrue(answer.status() < 500, () -> body + " -> " + answer);
                          (answer.status() == 200 ? succeeded : refused).incrementAndGet();
                        })));
      }
      for (Future<?> client : running) {
        client.get();
      }
    }
    assertTrue(succeeded.get() > CASES / 20, () -> succeeded + " succeeded");
    assertTrue(refused.get() > CASES / 3, () -> refused + " were refused");
    Api.await("nothing runs", Duration.ofSeconds(10), () -> api.running() == 0);
    assertEquals(0, api.waiting());
    assertEquals(200, api.get("/q/health").status());
  }

  /** The document's examples, with answers of a few tokens. */
  private static List<Valid> valid(JsonNode document) {
    List<Valid> valid = new ArrayList<>();
    for (Map.Entry<String, JsonNode> path : document.get("paths").properties()) {
      JsonNode content = path.getValue().at("/post/requestBody/content/application~1json");
      String schema = content.at("/schema/$ref").asText("#").substring(1);
      for (JsonNode example : content.path("examples")) {
        ObjectNode body = example.get("value").deepCopy();
        for (String limit : List.of("max_tokens", "max_completion_tokens")) {
          if (body.has(limit) && !body.has("response_format")) {
            body.put(limit, Math.min(2, body.get(limit).intValue()));
          }
        }
        valid.add(new Valid(path.getKey(), body, document.at(schema + "/properties")));
      }
    }
    return valid;
  }

  private static String mutated(Valid request, SplittableRandom random) {
    ObjectNode body = request.body.deepCopy();
    int changes = random.nextInt(1, 4);
    for (int i = 0; i < changes; i++) {
      if (random.nextInt(3) > 0) {
        List<String> names = request.parameters.propertyStream().map(Map.Entry::getKey).toList();
        String name = names.get(random.nextInt(names.size()));
        body.set(name, fitting(request.parameters.get(name), random));
      } else {
        change(body, random);
      }
    }
    String text = Api.json(body);
    return random.nextInt(4) == 0 ? garbled(text, random) : text;
  }

  /** A value that a parameter's schema may allow, or any. */
  private static JsonNode fitting(JsonNode schema, SplittableRandom random) {
    if (random.nextBoolean()) {
      return value(random);
    }
    if (schema.has("minimum")) {
      double min = schema.get("minimum").doubleValue();
      double width = Math.min(10, schema.get("maximum").doubleValue() - min);
      double number = min + random.nextDouble() * width;
      boolean isWhole = schema.get("type").toString().contains("integer");
      return isWhole ? Api.JSON.valueToTree((long) number) : Api.JSON.valueToTree(number);
    }
    return Api.JSON.valueToTree(random.nextBoolean());
  }

  private static JsonNode value(SplittableRandom random) {
    try {
      return Api.JSON.readTree(VALUES.get(random.nextInt(VALUES.size())));
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Changes something at any depth: a value, a name, or how often it is there. */
  private static void change(JsonNode node, SplittableRandom random) {
    if (node.isEmpty()) {
      return;
    }
    int at = random.nextInt(node.size());
    if (node instanceof ArrayNode array) {
      if (array.get(at).isContainerNode() && random.nextBoolean()) {
        change(array.get(at), random);
      } else {
        switch (random.nextInt(3)) {
          case 0 -> array.set(at, value(random));
          case 1 -> array.remove(at);
          default -> {
            int times = random.nextInt(1, 200);
            for (int i = 0; i < times; i++) {
              array.add(array.get(at));
            }
          }
        }
      }
    } else if (node instanceof ObjectNode object) {
      String name = object.propertyStream().skip(at).findFirst().orElseThrow().getKey();
      if (object.get(name).isContainerNode() && random.nextInt(3) > 0) {
        change(object.get(name), random);
      } else {
        switch (random.nextInt(4)) {
          case 0 -> object.set(name, value(random));
          case 1 -> object.remove(name);
          case 2 -> object.set(name + "\u0000", object.get(name));
          default -> object.set(name, object.deepCopy());
        }
      }
    }
  }

  /** Not always JSON any more. */
  private static String garbled(String text, SplittableRandom random) {
    int at = random.nextInt(text.length());
    String begin = text.substring(0, at);
    String end = text.substring(at);
    return switch (random.nextInt(6)) {
      case 0 -> begin;
      case 1 -> begin + end.substring(1);
      case 2 -> begin + (char) random.nextInt(0x1_0000) + end;
      case 3 -> begin + "9".repeat(random.nextInt(1, 2_000)) + end;
      case 4 -> text.replaceFirst("\\{", "{\"model\":null,\"model\":null,");
      default -> text + end;
    };
  }
}
