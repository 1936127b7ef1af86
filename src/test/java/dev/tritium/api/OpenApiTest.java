package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The OpenAPI document as it is served; {@link Api} holds the answers of all tests against it. */
@QuarkusTest
class OpenApiTest {
  @TestHTTPResource("/")
  URI uri;

  @Test
  void everyExampleIsAnswered() {
    Api api = Api.ready(uri);
    int examples = 0;
    for (Map.Entry<String, JsonNode> path :
        api.get("/q/openapi").json().get("paths").properties()) {
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
