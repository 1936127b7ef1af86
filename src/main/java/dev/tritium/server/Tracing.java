package dev.tritium.server;

import dev.tritium.api.openai.Endpoint;
import dev.tritium.api.openai.RequestListener;
import dev.tritium.api.openai.RequestReport;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import io.quarkus.opentelemetry.runtime.QuarkusContextStorage;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.util.Set;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;

/**
 * Traces what runs a model or its tokenizer, where {@link TracingSettings} found an exporter; else
 * it does nothing.
 */
@Singleton
public class Tracing implements RequestListener {
  static final String DISABLED = "quarkus.otel.sdk.disabled";

  /** Methods that a client made up are no names of spans. */
  private static final Set<HttpMethod> METHODS = Set.copyOf(HttpMethod.values());

  private final @Nullable Tracer tracer;
  private final TextMapPropagator propagator;

  Tracing(
      @ConfigProperty(name = DISABLED) boolean disabled, Instance<OpenTelemetry> openTelemetry) {
    tracer = disabled ? null : openTelemetry.get().getTracer("dev.tritium");
    propagator =
        disabled
            ? TextMapPropagator.noop()
            : openTelemetry.get().getPropagators().getTextMapPropagator();
  }

  boolean isOn() {
    return tracer != null;
  }

  /** Begins the trace of a request, below the span that its client sent; null if it has none. */
  @Nullable RequestTrace begin(HttpServerRequest request, Endpoint endpoint) {
    String route = route(endpoint);
    if (tracer == null || route == null) {
      return null;
    }
    HttpMethod method = request.method();
    RequestTrace trace =
        RequestTrace.begin(
            tracer,
            propagator.extract(Context.root(), request, Headers.GETTER),
            METHODS.contains(method) ? method.name() : "_OTHER",
            route,
            request.remoteAddress().hostAddress());
    // Until the Vert.x context of the request is gone: what is logged in it has the trace's id.
    var _ = QuarkusContextStorage.INSTANCE.attach(trace.context());
    return trace;
  }

  private static @Nullable String route(Endpoint endpoint) {
    return switch (endpoint) {
      case COMPLETIONS -> "/v1/completions";
      case CHAT -> "/v1/chat/completions";
      case TOKENIZE -> "/tokenize";
      case DETOKENIZE -> "/detokenize";
      default -> null;
    };
  }

  @Override
  public void requestEnded(RequestReport report) {
    RequestTrace trace = RequestTrace.of(report.notes().trace());
    if (trace != null) {
      trace.end(report);
    }
  }

  /** How a propagator reads a request. */
  private enum Headers implements TextMapGetter<HttpServerRequest> {
    GETTER;

    @Override
    public Iterable<String> keys(HttpServerRequest request) {
      return request.headers().names();
    }

    @Override
    public @Nullable String get(@Nullable HttpServerRequest request, String name) {
      return request == null ? null : request.getHeader(name);
    }
  }
}
