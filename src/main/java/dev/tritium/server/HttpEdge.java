package dev.tritium.server;

import dev.tritium.api.openai.ApiException;
import dev.tritium.api.openai.ErrorBody;
import dev.tritium.api.openai.ErrorKind;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import java.util.UUID;

/**
 * What holds for every HTTP exchange: its id, its time, the size and coding of its body, and that
 * none begins while the server ends.
 */
final class HttpEdge {
  private static final String REQUEST_ID = "x-request-id";
  private static final int MAX_ID_LENGTH = 128;
  private static final int FIRST = 1_000_000; // before Quarkus's own body limit

  private static final String OWN_PATHS = "/q/"; // health, metrics: as long as the port is open

  private final TritiumConfig config;
  private final Drain drain;

  HttpEdge(TritiumConfig config, Drain drain) {
    this.config = config;
    this.drain = drain;
  }

  void install(@Observes Filters filters) {
    filters.register(this::handle, FIRST);
  }

  private void handle(RoutingContext exchange) {
    long start = System.nanoTime();
    PipelinedRequests.begin(exchange.request());
    String id = requestId(exchange.request());
    exchange.addHeadersEndHandler(
        ignored ->
            exchange
                .response()
                .putHeader(REQUEST_ID, id)
                .putHeader(
                    "openai-processing-ms",
                    String.valueOf((System.nanoTime() - start) / 1_000_000)));
    if (!exchange.normalizedPath().startsWith(OWN_PATHS) && !drain.begin(exchange)) {
      refuse(
          exchange,
          new ApiException(
              ErrorKind.SHUTTING_DOWN, null, "the server is shutting down; try again shortly"));
    } else if (declaredBytes(exchange.request()) > config.maxBodyBytes()) {
      refuse(exchange, BodyLimit.tooLarge(config.maxBodyBytes()));
    } else if (isCompressed(exchange.request())) {
      refuse(
          exchange,
          new ApiException(
              ErrorKind.UNSUPPORTED_MEDIA_TYPE,
              null,
              "bodies must be sent without Content-Encoding"));
    } else {
      exchange.next();
    }
  }

  /** The client's id if it can stand in a log line, else a new one. */
  private static String requestId(HttpServerRequest request) {
    String sent = request.getHeader(REQUEST_ID);
    if (sent != null
        && !sent.isEmpty()
        && sent.length() <= MAX_ID_LENGTH
        && sent.chars().allMatch(c -> c > ' ' && c < 127)) {
      return sent;
    }
    return "req-" + UUID.randomUUID();
  }

  private static long declaredBytes(HttpServerRequest request) {
    String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    return length != null && length.matches("[0-9]{1,18}") ? Long.parseLong(length) : 0;
  }

  private static boolean isCompressed(HttpServerRequest request) {
    String encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
    return encoding != null && !encoding.isEmpty() && !encoding.equalsIgnoreCase("identity");
  }

  private static void refuse(RoutingContext exchange, ApiException refusal) {
    ErrorBody.headers(refusal).forEach(exchange.response()::putHeader);
    exchange
        .response()
        .setStatusCode(refusal.kind().status())
        .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
        .putHeader(HttpHeaders.CONNECTION, "close") // the body is not read
        .end(ErrorBody.of(refusal));
  }
}
