package dev.tritium.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server whose clients need a key, and that pages of one other origin may use. */
@QuarkusTest
@TestProfile(ApiKeyTest.WithKeys.class)
public class ApiKeyTest {
  private static final String PATH = "/v1/completions";
  private static final String BODY = Api.body("prompt", "A", "max_tokens", 1);
  public static final String SECRET = "sk-right";
  private static final String KEY = "Bearer " + SECRET;
  private static final String PAGE = "https://chat.example.org";

  @TestHTTPResource("/")
  URI uri;

  private Api api;

  /** The settings, also of the playground's test. */
  public static final class WithKeys implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of("tritium.api-keys", "sk-other," + SECRET, "tritium.cors.origins", PAGE);
    }
  }

  @BeforeEach
  void waitForTheModel() {
    api = Api.ready(uri); // health needs no key
  }

  @Test
  void theKeyIsAskedForByEveryEndpoint() {
    for (String path : List.of(PATH, "/v1/chat/completions", "/tokenize", "/detokenize", "/no")) {
      assertUnauthorized(api.post(path, BODY), path);
      assertUnauthorized(api.post(path, BODY, "Authorization", "Bearer sk-wrong"), path);
      assertUnauthorized(api.post(path, "{", "Authorization", "Basic sk-right"), path);
    }
    for (String path : List.of("/v1/models", "/v1/models/m", "/q/metrics", "/no", "/q/no")) {
      assertUnauthorized(api.get(path), path);
    }
    assertEquals(200, api.post(PATH, BODY, "Authorization", KEY).status());
    assertEquals(200, api.post(PATH, BODY, "authorization", "bearer sk-other").status());
    assertEquals(200, api.get("/v1/models", "Authorization", KEY).status());
    assertEquals(200, api.get("/q/metrics", "Authorization", KEY).status());
    assertEquals(404, api.get("/no", "Authorization", KEY).status());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/q/health",
        "/q/health/live",
        "/q/health/ready",
        "/q/openapi",
        "/q/openapi.json",
        "/q/../q/health",
        "/",
        "/playground/api.js"
      })
  void healthTheDocumentAndThePageAreOpen(String path) {
    assertEquals(200, api.get(path).status());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/q/health/../../v1/models",
        "/v1/models/",
        "//v1/models",
        "/./v1/models",
        "/V1/MODELS",
        "/v1/models;x=/q/health",
        "/q/health/%2e%2e/%2e%2e/v1/models",
        "/v1%2Fmodels",
        "/v1/models?x=/q/health",
        "/v1/models%3F/q/health",
        "/playground/../v1/models",
        "/q/health/..%2f..%2fv1/models",
        "/playground/%2f..%2fv1%2fmodels",
        "/playground/..%2fv1%2fmodels",
        "/playground/%2e%2e/v1/models",
        "/v1/models/../../"
      })
  void noSpellingOfAPathLeadsAroundTheKey(String path) throws IOException {
    String answer = raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 "), answer);
    assertFalse(answer.contains("tritium-stories"), answer);
  }

  @Test
  void aRequestWithoutTheKeyIsRefusedBeforeItsBodyIsSent() throws IOException {
    for (String length : List.of("Content-Length: 1000", "Transfer-Encoding: chunked")) {
      try (Socket socket =
          send("POST " + PATH + " HTTP/1.1\r\nHost: x\r\n" + length + "\r\n\r\n")) {
        byte[] status = socket.getInputStream().readNBytes(12);
        assertEquals("HTTP/1.1 401", new String(status, StandardCharsets.US_ASCII), length);
      }
    }
  }

  @Test
  void aLargeBodyIsRefusedForItsKeyFirst() {
    String large = " ".repeat(11_000_000);
    assertUnauthorized(api.post(PATH, large), "11 MB");
    assertEquals(413, api.post(PATH, large, "Authorization", KEY).status());
  }

  @Test
  void pagesOfTheConfiguredOriginCanReadAnswersAndRefusals() {
    Answer answer = api.post(PATH, BODY, "Origin", PAGE, "Authorization", KEY);
    assertEquals(200, answer.status());
    assertEquals(PAGE, answer.headers().get("access-control-allow-origin"));
    assertEquals("Origin", answer.headers().get("vary"));
    assertTrue(answer.headers().get("access-control-expose-headers").contains("x-request-id"));
    assertNull(answer.headers().get("access-control-allow-credentials"));
    Answer refusal = api.post(PATH, BODY, "Origin", PAGE);
    assertUnauthorized(refusal, "without the key");
    assertEquals(PAGE, refusal.headers().get("access-control-allow-origin"));
    for (String other : List.of("https://example.org", "null", PAGE + ".evil", "*")) {
      answer = api.post(PATH, BODY, "Origin", other, "Authorization", KEY);
      assertNull(answer.headers().get("access-control-allow-origin"), other);
      assertEquals("Origin", answer.headers().get("vary"), other);
    }
  }

  @Test
  void theirPreflightsNeedNoKey() {
    Answer answer = preflight(PAGE);
    assertEquals(204, answer.status(), answer::toString);
    assertEquals(PAGE, answer.headers().get("access-control-allow-origin"));
    assertTrue(answer.headers().get("access-control-allow-methods").contains("POST"));
    assertEquals(
        "authorization,content-type,x-stainless-os",
        answer.headers().get("access-control-allow-headers"));
    Answer refused = preflight("https://example.org");
    assertUnauthorized(refused, "another origin");
    assertTrue(
        refused.headers().keySet().stream().noneMatch(name -> name.startsWith("access-control")),
        refused::toString);
  }

  private Answer preflight(String origin) {
    return api.send(
        api.request(
                PATH,
                "Origin",
                origin,
                "Access-Control-Request-Method",
                "POST",
                "Access-Control-Request-Headers",
                "authorization,content-type,x-stainless-os")
            .method("OPTIONS", java.net.http.HttpRequest.BodyPublishers.noBody())
            .build());
  }

  private static void assertUnauthorized(Answer answer, String what) {
    assertEquals(401, answer.status(), () -> what + ": " + answer);
    assertEquals("Bearer", answer.headers().get("www-authenticate"), what);
    assertNotNull(answer.headers().get("x-request-id"), what);
    assertNotNull(answer.headers().get("openai-processing-ms"), what);
    JsonNode error = answer.json().get("error");
    assertEquals(4, error.size(), what);
    assertEquals("invalid_api_key", error.get("code").textValue(), what);
    assertEquals("invalid_request_error", error.get("type").textValue(), what);
    assertFalse(answer.body().contains("sk-"), what);
  }

  private String raw(String request) throws IOException {
    try (Socket socket = send(request)) {
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private Socket send(String request) throws IOException {
    Socket socket = new Socket(uri.getHost(), uri.getPort());
    socket.setSoTimeout(10_000);
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }
}
