package dev.tritium.server;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Set;

/**
 * Lets pages of other origins use the API where {@code tritium.cors.origins} names them. Keys come
 * in a header that pages set themselves, so no credentials of the browser's are asked for.
 */
final class Cors {
  private static final String EXPOSED =
      "x-request-id, openai-processing-ms, retry-after, x-should-retry";
  private static final String MAX_AGE_SECONDS = "600";

  private final Set<String> origins;

  Cors(TritiumConfig config) {
    this.origins = Set.copyOf(config.cors().origins().orElse(List.of()));
  }

  /**
   * Checks the origins.
   *
   * @throws IllegalArgumentException for one that no browser would send
   */
  static void check(TritiumConfig config) {
    for (String origin : config.cors().origins().orElse(List.of())) {
      if (!origin.matches("\\*|[a-z][a-z0-9+.-]*://[^/\\s*]+")) {
        throw new IllegalArgumentException(
            "tritium.cors.origins: '%s' is no origin such as https://example.org, with no path, or *"
                .formatted(origin));
      }
    }
  }

  void handle(RoutingContext exchange) {
    HttpServerRequest request = exchange.request();
    MultiMap headers = exchange.response().headers();
    String origin = request.getHeader(HttpHeaders.ORIGIN);
    boolean any = origins.contains("*");
    if (!origins.isEmpty() && !any) {
      headers.add(HttpHeaders.VARY, "Origin"); // for caches, on answers to others too
    }
    if (origin == null || !(any || origins.contains(origin))) {
      exchange.next();
      return;
    }
    headers.set(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, any ? "*" : origin);
    if (!request.method().equals(HttpMethod.OPTIONS)
        || !request.headers().contains(HttpHeaders.ACCESS_CONTROL_REQUEST_METHOD)) {
      headers.set(HttpHeaders.ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
      exchange.next();
      return;
    }
    headers.set(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
    headers.set(HttpHeaders.ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
    String wanted = request.getHeader(HttpHeaders.ACCESS_CONTROL_REQUEST_HEADERS);
    if (wanted != null) { // clients send headers of their own, such as x-stainless-lang
      headers.set(HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    }
    exchange.response().setStatusCode(204).end();
  }
}
