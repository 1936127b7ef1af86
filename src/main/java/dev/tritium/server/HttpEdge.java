package dev.tritium.server;

import dev.tritium.api.openai.ApiException;
import dev.tritium.api.openai.Endpoint;
import dev.tritium.api.openai.ErrorBody;
import dev.tritium.api.openai.ErrorKind;
import dev.tritium.api.openai.RequestListener;
import dev.tritium.api.openai.RequestNotes;
import io.prometheus.client.exporter.common.TextFormat;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * What holds for every HTTP exchange: its id, its time, its report, who may send it, the size and
 * coding of its body, and that none begins while the server ends.
 */
final class HttpEdge {
  private static final String REQUEST_ID = "x-request-id";
  private static final int MAX_ID_LENGTH = 128;
  private static final String OPEN_METRICS = "application/openmetrics-text";
  private static final int FIRST = 1_000_000; // before Quarkus's own body limit

  private static final String OWN_PATHS = "/q/"; // health, metrics: as long as the port is open

  /** Served by extensions of Quarkus, which look at no method. */
  private static final Set<Endpoint> READ_ONLY =
      EnumSet.of(Endpoint.HEALTH, Endpoint.METRICS, Endpoint.OPENAPI);

  private static final Set<HttpMethod> READS =
      Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);

  private final TritiumConfig config;
  private final Tracing tracing;
  private final Drain drain;
  private final ApiKeyCheck keys;
  private final Instance<RequestListener> listeners;

  HttpEdge(
      TritiumConfig config,
      Tracing tracing,
      Drain drain,
      ApiKeyCheck keys,
      Instance<RequestListener> listeners) {
    this.config = config;
    this.tracing = tracing;
    this.drain = drain;
    this.keys = keys;
    this.listeners = listeners;
  }

  void install(@Observes Filters filters) {
    filters.register(this::begin, FIRST);
    filters.register(new Cors(config)::handle, FIRST - 1); // refusals too can be read
    filters.register(this::admit, FIRST - 2);
  }

  private void begin(RoutingContext context) {
    PipelinedRequests.begin(context.request());
    String id = requestId(context.request());
    Endpoint endpoint = Endpoint.of(context.normalizedPath());
    if (endpoint == Endpoint.METRICS && tracing.isOn()) {
      preferExemplars(context.request());
    }
    RequestNotes notes =
        new RequestNotes(id, config.accessLog().text(), tracing.begin(context.request(), endpoint));
    Exchange exchange = Exchange.begin(context, endpoint, notes, listeners);
    context.addHeadersEndHandler(
        ignored ->
            context
                .response()
                .putHeader(REQUEST_ID, id)
                .putHeader("openai-processing-ms", String.valueOf(exchange.nanos() / 1_000_000)));
    context.next();
  }

  /**
   * Prometheus asks for OpenMetrics and, less gladly, for its older text. Quarkus sends that to all
   * who take it, and OpenMetrics, which alone has exemplars, to who asks for just its version.
   */
  private static void preferExemplars(HttpServerRequest scrape) {
    String accepted = scrape.getHeader(HttpHeaders.ACCEPT);
    if (accepted != null && accepted.contains(OPEN_METRICS)) {
      scrape.headers().set(HttpHeaders.ACCEPT, TextFormat.CONTENT_TYPE_OPENMETRICS_100);
    }
  }

  private void admit(RoutingContext context) {
    Optional<ApiException> refusal = refusal(context);
    if (refusal.isPresent()) {
      refuse(context, refusal.get());
    } else {
      context.next();
    }
  }

  private Optional<ApiException> refusal(RoutingContext context) {
    String path = context.normalizedPath();
    HttpServerRequest request = context.request();
    if (!path.startsWith(OWN_PATHS) && !drain.begin(context)) {
      return refusal(ErrorKind.SHUTTING_DOWN, "the server is shutting down; try again shortly");
    }
    Endpoint endpoint = Endpoint.of(path);
    boolean hasParameters = path.contains(";"); // who routes drops them: /admin;x is /admin there
    if (hasParameters || (endpoint == Endpoint.ADMIN && !keys.hasAdmins())) {
      return refusal(ErrorKind.NOT_FOUND, "there is no %s here".formatted(path));
    }
    String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
    if (!keys.admits(endpoint, authorization)) {
      String needed = endpoint == Endpoint.ADMIN ? "admin key" : "API key";
      return refusal(
          ErrorKind.INVALID_API_KEY,
          authorization == null
              ? "this needs an %s: send the header Authorization: Bearer KEY".formatted(needed)
              : "the %s is not one of this server's".formatted(needed));
    }
    if (READ_ONLY.contains(endpoint) && !READS.contains(request.method())) {
      context.response().putHeader(HttpHeaders.ALLOW, "GET, HEAD, OPTIONS");
      return refusal(ErrorKind.METHOD_NOT_ALLOWED, path + " does not take this method");
    }
    if (declaredBytes(request) > config.maxBodyBytes()) {
      return Optional.of(BodyLimit.tooLarge(config.maxBodyBytes()));
    }
    if (isCompressed(request)) {
      return refusal(
          ErrorKind.UNSUPPORTED_MEDIA_TYPE, "bodies must be sent without Content-Encoding");
    }
    return Optional.empty();
  }

  private static Optional<ApiException> refusal(ErrorKind kind, String message) {
    return Optional.of(new ApiException(kind, null, message));
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
    Exchange.notes(exchange).failed(refusal.kind());
    ErrorBody.headers(refusal).forEach(exchange.response()::putHeader);
    exchange
        .response()
        .setStatusCode(refusal.kind().status())
        .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
        .putHeader(HttpHeaders.CONNECTION, "close") // the body is not read
        .end(ErrorBody.of(refusal));
  }
}
