package dev.tritium.loadtests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** The server under test, asked a few things beside the load. */
final class Target {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final double USUAL_WORDS_PER_TOKEN = 0.75;

  private final HttpClient client =
      HttpClient.newBuilder()
          .proxy(HttpClient.Builder.NO_PROXY)
          .connectTimeout(Duration.ofSeconds(5))
          .build();
  private final URI url;
  private final @Nullable String key;

  Target(URI url, @Nullable String key) {
    this.url = url;
    this.key = key;
  }

  URI url() {
    return url;
  }

  @Nullable String key() {
    return key;
  }

  /**
   * The model that it serves.
   *
   * @throws IOException if no server answers there, or not as one of OpenAI's API
   */
  String model() throws IOException, InterruptedException {
    HttpResponse<String> answer;
    try {
      answer = send("/v1/models", null);
    } catch (IOException e) {
      throw new IOException(
          "no server answers at %s (%s): start one, such as with ./tritium serve, or name another with --url"
              .formatted(url, e),
          e);
    }
    if (answer.statusCode() == 401) {
      throw new IOException(url + " asks for an API key: --key");
    }
    JsonNode id = answer.statusCode() == 200 ? JSON.readTree(answer.body()).at("/data/0/id") : null;
    if (id == null || !id.isTextual()) {
      throw new IOException(
          "%s/v1/models answers %d: %s".formatted(url, answer.statusCode(), answer.body()));
    }
    return id.textValue();
  }

  /** How many words of a text make a token, by its own tokenizer where it has {@code /tokenize}. */
  double wordsPerToken(String text) throws IOException, InterruptedException {
    String body = JSON.createObjectNode().put("prompt", text).toString();
    HttpResponse<String> answer = send("/tokenize", body);
    if (answer.statusCode() != 200) {
      return USUAL_WORDS_PER_TOKEN;
    }
    return (double) text.split(" ", -1).length / JSON.readTree(answer.body()).get("count").asInt();
  }

  /** Waits until nothing runs or waits there; false if that did not come in time. */
  boolean idle(Duration limit) throws IOException, InterruptedException {
    for (long end = System.nanoTime() + limit.toNanos(); ; Thread.sleep(100)) {
      OptionalDouble running = metric("llm_requests_running");
      OptionalDouble waiting = metric("llm_requests_waiting");
      if (running.isEmpty() || running.getAsDouble() + waiting.orElse(0) == 0) {
        return true; // or it has no such metrics
      }
      if (System.nanoTime() > end) {
        return false;
      }
    }
  }

  private OptionalDouble metric(String name) throws IOException, InterruptedException {
    return send("/q/metrics", null)
        .body()
        .lines()
        .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .reduce(Double::sum);
  }

  private HttpResponse<String> send(String path, @Nullable String body)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofSeconds(30));
    if (key != null) {
      request.header("Authorization", "Bearer " + key);
    }
    if (body != null) {
      request.header("Content-Type", "application/json").POST(BodyPublishers.ofString(body));
    }
    return client.send(request.build(), BodyHandlers.ofString());
  }
}
