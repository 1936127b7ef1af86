package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.net.URI;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The OpenAPI document as it is served; {@link Api} holds the answers of all tests against it. */
@QuarkusTest
@SuppressWarnings("NullAway.Init") // Quarkus sets the fields
class OpenApiTest {
  @TestHTTPResource("/")
  URI uri;

  @ConfigProperty(name = "quarkus.application.version")
  String version;

  @ParameterizedTest
  @CsvSource({
    "/q/openapi, application/json, json",
    "/q/openapi?format=json, */*, json",
    "/q/openapi.json, application/yaml, json",
    "/q/openapi, */*, yaml",
    "/q/openapi, text/html, yaml",
    "/q/openapi.yaml, application/json, yaml",
    "/q/openapi.yml, */*, yaml"
  })
  void itIsServedAsItWasMade(String path, String accept, String format) throws IOException {
    Answer answer = Api.ready(uri).get(path, "Accept", accept);
    assertEquals(200, answer.status(), answer::toString);
    assertEquals("application/" + format + ";charset=UTF-8", answer.headers().get("content-type"));
    JsonNode served =
        format.equals("json") ? answer.json() : new YAMLMapper().readTree(answer.body());
    JsonNode made = Api.JSON.readTree(OpenApiDocument.create(version).toString());
    assertTrue(made.equals(served), () -> made.toPrettyString() + "\nserved:\n" + answer.body());
  }

  @Test
  void everyExampleIsAnswered() {
    Api api = Api.ready(uri);
    int examples = 0;
    for (Map.Entry<String, JsonNode> path :
        api.get("/q/openapi.json").json().get("paths").properties()) {
      JsonNode post = path.getValue().path("post");
      for (JsonNode example : post.at("/requestBody/content/application~1json/examples")) {
        Answer answer = api.post(path.getKey(), example.get("value").toString());
        assertEquals(200, answer.status(), () -> example + " -> " + answer);
        examples++;
      }
    }
    assertTrue(examples >= 10, () -> "too few examples");
  }
}
