package dev.tritium.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.Collector;
import dev.tritium.testing.Collector.Received;
import dev.tritium.testing.PackagedServer;
import dev.tritium.testing.Sse;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import io.prometheus.client.exporter.common.TextFormat;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The spans that the packaged server exports, and what else shows the trace of a request. */
@SuppressWarnings("NullAway.Init") // set by start
class TracingIT {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String PATH = "/v1/completions";
  private static final String PARENT = "00f067aa0ba902b7";
  private static final String ENDLESS =
      Api.body("prompt", "Once", "max_tokens", 100_000, "ignore_eos", true, "stream", true);
  private static final String SHORT =
      Api.body("prompt", "Once", "max_tokens", 2, "ignore_eos", true);

  @TempDir static Path folder;
  private static Collector collector;
  private static PackagedServer server;
  private static Api api;

  private final String trace = newTrace();

  @BeforeAll
  static void start() throws IOException {
    collector = Collector.start();
    server =
        PackagedServer.start(
            folder.resolve("log"),
            Map.of( // as OpenTelemetry's operator sets them in clusters
                "OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint(),
                "OTEL_TRACES_EXPORTER", "otlp",
                "OTEL_METRICS_EXPORTER", "otlp",
                "OTEL_LOGS_EXPORTER", "otlp",
                "OTEL_PROPAGATORS", "tracecontext,baggage",
                "OTEL_SERVICE_NAME", "stories",
                "OTEL_BSP_SCHEDULE_DELAY", "200"),
            "-Dtritium.log.json=true",
            "-Dquarkus.http.access-log.enabled=true", // lines in the requests' contexts
            "-Dtritium.scheduler.max-running=1",
            "-Dtritium.scheduler.max-waiting=1");
    api = server.ready();
  }

  @AfterAll
  static void end() {
    if (server != null) {
      server.close();
    }
    collector.close();
  }

  private static String newTrace() {
    return UUID.randomUUID().toString().replace("-", "");
  }

  /** As a client does whose span is {@link #PARENT} of a trace that is sampled. */
  private static Answer post(String trace, String path, String body) {
    return api.post(path, body, "traceparent", sampled(trace));
  }

  private static String sampled(String trace) {
    return "00-%s-%s-01".formatted(trace, PARENT);
  }

  private static void assertHas(Received span, Map<String, String> expected) {
    expected.forEach(
        (name, value) ->
            assertEquals(value, span.attributes().get(name), () -> name + " of " + span));
  }

  @Test
  void aRequestIsASpanBelowTheClientsWithItsPhasesBelow() {
    String body =
        Api.body(
            "messages",
            List.of(Map.of("role", "user", "content", "SECRETWORD")),
            "max_tokens",
            12,
            "ignore_eos",
            true,
            "temperature",
            0.5,
            "top_p",
            0.9,
            "top_k",
            7,
            "stop",
            List.of("SECRETSTOP"));
    long before = nanosNow();
    Answer answer = post(trace, "/v1/chat/completions", body);
    long after = nanosNow();
    assertEquals(200, answer.status(), answer::toString);
    Map<String, Received> spans =
        collector.trace(trace, "POST /v1/chat/completions", "queue", "prefill", "decode");
    Received request = spans.get("POST /v1/chat/completions");
    assertEquals(PARENT, request.parentId());
    assertEquals(SpanKind.SPAN_KIND_SERVER, request.kind());
    assertEquals("stories", request.service());
    JsonNode json = answer.json();
    assertHas(
        request,
        Map.ofEntries(
            Map.entry("http.request.method", "POST"),
            Map.entry("http.route", "/v1/chat/completions"),
            Map.entry("http.response.status_code", "200"),
            Map.entry("tritium.request_id", answer.headers().get("x-request-id")),
            Map.entry("gen_ai.operation.name", "chat"),
            Map.entry("gen_ai.provider.name", "tritium"),
            Map.entry("gen_ai.request.model", "tritium-stories-17m"),
            Map.entry("gen_ai.request.max_tokens", "12"),
            Map.entry("gen_ai.request.temperature", "0.5"),
            Map.entry("gen_ai.request.top_p", "0.9"),
            Map.entry("gen_ai.request.top_k", "7.0"),
            Map.entry("gen_ai.response.model", "tritium-stories-17m"),
            Map.entry("gen_ai.response.id", json.get("id").textValue()),
            Map.entry("gen_ai.response.finish_reasons", "length"),
            Map.entry("gen_ai.usage.input_tokens", json.at("/usage/prompt_tokens").asText()),
            Map.entry("gen_ai.usage.output_tokens", "12"),
            Map.entry(
                "gen_ai.usage.cache_read.input_tokens",
                json.at("/usage/prompt_tokens_details/cached_tokens").asText())));
    assertFalse(request.isError() || request.attributes().containsKey("error.type"));

    Received queue = spans.get("queue");
    Received prefill = spans.get("prefill");
    Received decode = spans.get("decode");
    for (Received phase : List.of(queue, prefill, decode)) {
      assertEquals(request.spanId(), phase.parentId(), phase::toString);
      assertHas(phase, Map.of("gen_ai.operation.name", "chat"));
      assertFalse(phase.isError(), phase::toString);
    }
    assertHas(decode, Map.of("tritium.generated_tokens", "12"));
    long[] moments = {
      before,
      request.startNanos(),
      queue.startNanos(),
      queue.endNanos(),
      prefill.endNanos(),
      decode.endNanos(),
      request.endNanos(),
    };
    for (int i = 1; i < moments.length; i++) {
      assertTrue(moments[i - 1] <= moments[i], () -> spans + " from " + before);
    }
    assertEquals(queue.endNanos(), prefill.startNanos());
    assertEquals(prefill.endNanos(), decode.startNanos());
    assertTrue(request.startNanos() < after, () -> request + " begins after " + after);
    assertTrue(
        prefill.endNanos() > prefill.startNanos() && decode.endNanos() > decode.startNanos());
    for (Received span : collector.all()) {
      assertFalse(span.toString().contains("SECRET"), span::toString);
    }
  }

  private static long nanosNow() {
    return System.currentTimeMillis() * 1_000_000; // rounded down: fit to be a lower bound
  }

  @Test
  void aStreamIsTracedToo() {
    String body = Api.body("prompt", "Once", "max_tokens", 5, "ignore_eos", true, "stream", true);
    Answer answer = post(trace, PATH, body);
    Map<String, Received> spans =
        collector.trace(trace, "POST /v1/completions", "queue", "prefill", "decode");
    assertHas(
        spans.get("POST /v1/completions"),
        Map.of(
            "gen_ai.operation.name",
            "text_completion",
            "gen_ai.response.id",
            Sse.read(answer.body()).events().getFirst().get("id").textValue(),
            "gen_ai.usage.output_tokens",
            "5"));
  }

  @Test
  void aRefusedRequestIsASpanWithItsError() {
    assertEquals(400, post(trace, PATH, "{\"prompt\":\"A\",\"surprise\":1}").status());
    Received span = collector.trace(trace, "POST /v1/completions").get("POST /v1/completions");
    assertHas(span, Map.of("error.type", "invalid_request", "http.response.status_code", "400"));
    assertFalse(span.isError(), "the client's fault");
    assertFalse(span.attributes().containsKey("gen_ai.usage.input_tokens"), span::toString);
  }

  @Test
  void whoIsCancelledInTheQueueOrInDecodeAndWhoFindsNoPlaceHasAnErrorThere() throws IOException {
    String waiting = newTrace();
    String without = newTrace();
    try (Socket first = api.open(PATH, ENDLESS, "traceparent", sampled(trace))) {
      Api.await("it runs", LIMIT, () -> api.running() == 1);
      assertTrue(first.getInputStream().read() > 0);
      try (Socket second = api.open(PATH, ENDLESS, "traceparent", sampled(waiting))) {
        Api.await("it waits", LIMIT, () -> api.waiting() == 1);
        assertTrue(second.isConnected());
        assertEquals(429, post(without, PATH, SHORT).status());
      }
      Api.await("it has left the queue", LIMIT, () -> api.waiting() == 0); // else it could run yet
    }
    Map<String, Received> cutInQueue = collector.trace(waiting, "POST /v1/completions", "queue");
    Map<String, Received> cutInDecode =
        collector.trace(trace, "POST /v1/completions", "queue", "prefill", "decode");
    for (Received cut :
        List.of(
            cutInQueue.get("POST /v1/completions"),
            cutInQueue.get("queue"),
            cutInDecode.get("POST /v1/completions"),
            cutInDecode.get("decode"))) {
      assertHas(cut, Map.of("error.type", "cancelled"));
      assertTrue(cut.isError(), cut::toString);
    }
    for (String phase : List.of("queue", "prefill")) {
      assertFalse(cutInDecode.get(phase).attributes().containsKey("error.type"));
    }
    assertNotEquals(
        "0",
        cutInDecode.get("POST /v1/completions").attributes().get("gen_ai.usage.output_tokens"));
    Received refused = collector.trace(without, "POST /v1/completions").get("POST /v1/completions");
    assertHas(
        refused,
        Map.of(
            "error.type",
            "rate_limit_exceeded",
            "http.response.status_code",
            "429",
            "gen_ai.request.max_tokens",
            "2"));
    Api.await("nothing runs", LIMIT, () -> api.running() == 0 && api.waiting() == 0);
  }

  @Test
  void aRequestWithoutAParentBeginsATraceAndOneThatIsNotToBeSampledHasNone() {
    String notSampled = sampled(trace).replaceFirst("01$", "00");
    assertEquals(200, api.post(PATH, SHORT, "traceparent", notSampled).status());
    assertEquals(200, api.post(PATH, SHORT).status());
    Api.await(
        "a trace of its own",
        LIMIT,
        () ->
            collector.all().stream()
                .anyMatch(s -> s.kind() == SpanKind.SPAN_KIND_SERVER && s.parentId().isEmpty()));
    assertTrue(collector.all().stream().noneMatch(span -> span.traceId().equals(trace)));
  }

  @Test
  void probesAndScrapesAreNotTraced() {
    api.get("/q/health/live", "traceparent", sampled(trace));
    api.get("/q/metrics", "traceparent", sampled(trace));
    String other = newTrace();
    post(other, PATH, SHORT);
    collector.trace(other, "POST /v1/completions", "queue", "prefill", "decode");
    assertTrue(collector.all().stream().noneMatch(span -> span.traceId().equals(trace)));
  }

  @Test
  void histogramsOfTimesNameATraceToLookAt() {
    for (String histogram :
        List.of(
            "llm_request_queue_seconds",
            "llm_request_prefill_seconds",
            "llm_time_to_first_token_seconds",
            "llm_inter_token_seconds",
            "llm_request_duration_seconds")) {
      Api.await(
          "a bucket of " + histogram + " names the trace",
          LIMIT,
          () -> {
            post(trace, PATH, SHORT);
            return exemplars(histogram).stream().anyMatch(line -> line.contains(trace));
          });
    }
  }

  @Test
  void prometheusKeepsThem() throws IOException {
    try (Prometheus prometheus = Prometheus.start(folder, "127.0.0.1:" + server.port())) {
      Api.await(
          "Prometheus has the trace",
          LIMIT,
          () -> {
            post(trace, PATH, SHORT);
            return prometheus
                .exemplars("llm_request_duration_seconds_bucket")
                .anyMatch(trace::equals);
          });
    }
  }

  private static List<String> exemplars(String histogram) {
    Answer answer = api.get("/q/metrics", "Accept", "application/openmetrics-text");
    return answer
        .body()
        .lines()
        .filter(line -> line.startsWith(histogram + "_bucket") && line.contains("# {"))
        .toList();
  }

  @Test
  void theLogIsJsonAndNamesTraces() {
    String id = "logged-" + trace;
    api.post(PATH, SHORT, "traceparent", sampled(trace), "x-request-id", id);
    String inMdc = "\"traceId\":\"" + trace;
    Api.await("its lines", LIMIT, () -> server.log().contains(id) && server.log().contains(inMdc));
    String log = server.log();
    List<JsonNode> lines =
        log.substring(0, log.lastIndexOf('\n')) // whole ones
            .lines()
            .filter(line -> !line.startsWith("WARNING: ")) // the JVM's, on standard error
            .map(TracingIT::json)
            .toList();
    for (JsonNode line : lines) {
      assertTrue(line.hasNonNull("time"), line::toString);
      assertTrue(line.hasNonNull("id") || line.hasNonNull("message"), line::toString);
    }
    List<JsonNode> access = lines.stream().filter(l -> l.path("id").asText().equals(id)).toList();
    assertEquals(1, access.size(), server::log);
    assertEquals(trace, access.getFirst().get("trace_id").textValue());
    assertEquals(2, access.getFirst().get("completion_tokens").intValue());
    assertTrue(
        lines.stream()
            .filter(line -> line.path("loggerName").asText().equals("io.quarkus.http.access-log"))
            .anyMatch(line -> line.at("/mdc/traceId").asText().equals(trace)),
        server::log);
  }

  @Test
  void withoutAnEndpointNothingIsTraced() throws Exception {
    try (PackagedServer plain = PackagedServer.start(folder.resolve("plain"), Map.of())) {
      Api client = plain.ready();
      Answer answer = client.post(PATH, SHORT, "traceparent", sampled(trace));
      assertEquals(200, answer.status(), answer::toString);
      assertTrue(answer.headers().keySet().stream().noneMatch(name -> name.startsWith("trace")));
      Answer metrics = client.get("/q/metrics", "Accept", TextFormat.CONTENT_TYPE_OPENMETRICS_100);
      assertFalse(metrics.body().contains("trace_id"), metrics::body);
      String id = answer.headers().get("x-request-id");
      Api.await("its line", LIMIT, () -> plain.log().contains(id));
      for (String unwanted : List.of(" WARN", " ERROR", "xport", "trace_id")) {
        assertFalse(plain.log().contains(unwanted), plain::log);
      }
      assertEquals(0, exporterThreads(plain));
      assertNotEquals(0, exporterThreads(server), "the other server has one");
    }
  }

  private static long exporterThreads(PackagedServer server) throws IOException {
    String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    String pid = String.valueOf(server.process().pid());
    Process process = new ProcessBuilder(jcmd, pid, "Thread.print").start();
    try (BufferedReader threads = process.inputReader()) {
      return threads.lines().filter(line -> line.startsWith("\"BatchSpanProcessor")).count();
    }
  }

  private static JsonNode json(String line) {
    try {
      return Api.JSON.readTree(line);
    } catch (IOException e) {
      throw new AssertionError("not JSON: " + line, e);
    }
  }
}
