package dev.tritium.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;

/** A collector of OpenTelemetry on the loopback: keeps the spans that are sent to it by HTTP. */
public final class Collector implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final List<Received> spans = new CopyOnWriteArrayList<>();
  private final HttpServer server;

  /**
   * A span.
   *
   * @param attributes values as text; of lists, their texts between commas
   */
  public record Received(
      String traceId,
      String spanId,
      String parentId,
      String service,
      String name,
      SpanKind kind,
      long startNanos,
      long endNanos,
      boolean isError,
      Map<String, String> attributes) {}

  private Collector(HttpServer server) {
    this.server = server;
  }

  public static Collector start() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    Collector collector = new Collector(server);
    server.createContext("/v1/traces", collector::receive);
    server.start();
    return collector;
  }

  /** Where spans go, without the path. */
  public String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private void receive(HttpExchange exchange) throws IOException {
    try (exchange) {
      ExportTraceServiceRequest request =
          ExportTraceServiceRequest.parseFrom(exchange.getRequestBody());
      for (ResourceSpans resource : request.getResourceSpansList()) {
        String service =
            texts(resource.getResource().getAttributesList()).getOrDefault("service.name", "");
        for (ScopeSpans scope : resource.getScopeSpansList()) {
          scope.getSpansList().forEach(span -> spans.add(received(span, service)));
        }
      }
      exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
      exchange.sendResponseHeaders(200, -1);
    }
  }

  private static Received received(Span span, String service) {
    HexFormat hex = HexFormat.of();
    return new Received(
        hex.formatHex(span.getTraceId().toByteArray()),
        hex.formatHex(span.getSpanId().toByteArray()),
        hex.formatHex(span.getParentSpanId().toByteArray()),
        service,
        span.getName(),
        span.getKind(),
        span.getStartTimeUnixNano(),
        span.getEndTimeUnixNano(),
        span.getStatus().getCode() == StatusCode.STATUS_CODE_ERROR,
        texts(span.getAttributesList()));
  }

  private static Map<String, String> texts(List<KeyValue> attributes) {
    Map<String, String> texts = new HashMap<>();
    attributes.forEach(attribute -> texts.put(attribute.getKey(), text(attribute.getValue())));
    return texts;
  }

  private static String text(AnyValue value) {
    return switch (value.getValueCase()) {
      case INT_VALUE -> String.valueOf(value.getIntValue());
      case DOUBLE_VALUE -> String.valueOf(value.getDoubleValue());
      case BOOL_VALUE -> String.valueOf(value.getBoolValue());
      case ARRAY_VALUE ->
          value.getArrayValue().getValuesList().stream()
              .map(Collector::text)
              .collect(Collectors.joining(","));
      default -> value.getStringValue();
    };
  }

  public List<Received> all() {
    return List.copyOf(spans);
  }

  /** The spans of a trace by their names, waited for; fails unless they are these and no others. */
  public Map<String, Received> trace(String traceId, String... names) {
    Api.await(
        List.of(names) + " of " + traceId + " among " + spans,
        LIMIT,
        () -> spans(traceId).size() >= names.length);
    Map<String, Received> byName =
        spans(traceId).stream().collect(Collectors.toMap(Received::name, span -> span));
    assertEquals(Set.of(names), byName.keySet());
    return byName;
  }

  private List<Received> spans(String traceId) {
    return spans.stream().filter(span -> span.traceId.equals(traceId)).toList();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
