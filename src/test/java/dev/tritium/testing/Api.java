package dev.tritium.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Talks to a running server as any client does. Every exchange must be as the OpenAPI document of
 * that server says, but those on {@linkplain #open bare connections}.
 */
public final class Api {
  public static final ObjectMapper JSON = new ObjectMapper();

  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(LIMIT).build();
  private final URI base;
  private volatile @Nullable ApiDocument document; // read when the server first answers

  /** An answer, whole. */
  public record Answer(int status, Map<String, String> headers, String body) {
    public JsonNode json() {
      try {
        return JSON.readTree(body);
      } catch (JsonProcessingException e) {
        throw new AssertionError("not JSON: " + this, e);
      }
    }
  }

  public Api(URI base) {
    this.base = base;
  }

  /** For a server that may still be loading: waits until it is ready. */
  public static Api ready(URI base) {
    Api api = new Api(base);
    await("the server is ready", LIMIT, () -> api.get("/q/health/ready").status == 200);
    return api;
  }

  /** A JSON object of names and values, in turn. */
  public static String body(Object... namesAndValues) {
    Map<String, Object> object = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      object.put((String) namesAndValues[i], namesAndValues[i + 1]);
    }
    return json(object);
  }

  public static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  public Answer get(String path, String... headers) {
    return send(request(path, headers).GET().build());
  }

  /** Sends JSON. */
  public Answer post(String path, String json, String... headers) {
    return send(
        request(path, headers)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(json))
            .build(),
        json);
  }

  /** The JSON of a POST that must succeed; the body as in {@link #body}. */
  public JsonNode ask(String path, Object... namesAndValues) {
    String body = body(namesAndValues);
    Answer answer = post(path, body);
    assertEquals(200, answer.status, () -> body + " -> " + answer);
    return answer.json();
  }

  /** The events of a POST that must succeed; the body as in {@link #body}, with its stream. */
  public Sse stream(String path, Object... namesAndValues) {
    String body = body(namesAndValues);
    Answer answer = post(path, body);
    assertEquals(200, answer.status, () -> body + " -> " + answer);
    assertEquals("text/event-stream", answer.headers.get("content-type"), body);
    return Sse.read(answer.body);
  }

  /** The ids of a text, the BOS included. */
  public int[] tokenize(String text) {
    return JSON.convertValue(ask("/tokenize", "prompt", text).get("tokens"), int[].class);
  }

  /** Sends a POST and leaves the reading, and the leaving, to the caller. */
  public Socket open(String path, String json, String... headers) throws IOException {
    return send(new Socket(), path, json, headers);
  }

  /** The same, on a connection that takes little before it is read. */
  public Socket openSlow(String path, String json) throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(4096);
    return send(socket, path, json);
  }

  private Socket send(Socket socket, String path, String json, String... headers)
      throws IOException {
    socket.connect(new InetSocketAddress(base.getHost(), base.getPort()));
    byte[] body = json.getBytes(UTF_8);
    socket.getOutputStream().write(head(path, body.length, headers));
    socket.getOutputStream().write(body);
    socket.getOutputStream().flush();
    return socket;
  }

  /** Begins a request on a connection that still waits for its answer; its body never comes. */
  public static void beginAnother(Socket socket, String path) throws IOException {
    socket.getOutputStream().write(head(path, 1000));
    socket.getOutputStream().write('{');
  }

  private static byte[] head(String path, int bodyLength, String... headers) {
    StringBuilder more = new StringBuilder();
    for (int i = 0; i < headers.length; i += 2) {
      more.append(headers[i]).append(": ").append(headers[i + 1]).append("\r\n");
    }
    return "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"
        .formatted(path, bodyLength, more)
        .getBytes(UTF_8);
  }

  /** The sum of a metric over its labels. */
  public double metric(String name) {
    double sum = 0;
    boolean found = false;
    for (String line : get("/q/metrics").body.lines().toList()) {
      if (line.startsWith(name + "{") || line.startsWith(name + " ")) {
        sum += Double.parseDouble(line.substring(line.lastIndexOf(' ')));
        found = true;
      }
    }
    return found ? sum : fail("there is no metric " + name);
  }

  public double running() {
    return metric("llm_requests_running");
  }

  public double waiting() {
    return metric("llm_requests_waiting");
  }

  /** Waits for a condition, asking again every few milliseconds. */
  public static void await(String what, Duration limit, BooleanSupplier condition) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        fail("not within " + limit + ": " + what);
      }
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** A request to a path as it is: not normalised, nothing encoded. */
  public HttpRequest.Builder request(String path, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://" + base.getAuthority() + path)).timeout(LIMIT);
    return headers.length == 0 ? request : request.headers(headers);
  }

  /** Sends a request whose body is not held against the document. */
  public Answer send(HttpRequest request) {
    return send(request, null);
  }

  private Answer send(HttpRequest request, @Nullable String body) {
    Answer answer = exchange(request);
    ApiDocument held = document;
    if (held == null) {
      held = ApiDocument.of(exchange(request("/q/openapi.json").build()).body);
      document = held;
    }
    held.check(request.method(), request.uri().getRawPath(), body, answer);
    return answer;
  }

  private Answer exchange(HttpRequest request) {
    try {
      HttpResponse<String> response = client.send(request, BodyHandlers.ofString(UTF_8));
      Map<String, String> headers = new LinkedHashMap<>();
      response
          .headers()
          .map()
          .forEach((name, values) -> headers.put(name, String.join(", ", values)));
      return new Answer(response.statusCode(), headers, response.body());
    } catch (IOException e) {
      throw new AssertionError(request.method() + " " + request.uri() + ": " + e, e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
