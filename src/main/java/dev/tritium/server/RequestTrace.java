package dev.tritium.server;

import dev.tritium.api.openai.Endpoint;
import dev.tritium.api.openai.ErrorKind;
import dev.tritium.api.openai.Outcome;
import dev.tritium.api.openai.RequestNotes;
import dev.tritium.api.openai.RequestReport;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.Sampling;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The spans of one request: its own, and below it {@code queue}, {@code prefill} and {@code
 * decode}, which are made when it ends out of what its account says: the engine does nothing for
 * them. No text of prompts and answers is in them.
 *
 * <p>Attributes are those of OpenTelemetry's conventions for HTTP servers and for generative AI.
 */
final class RequestTrace {
  private static final AttributeKey<List<String>> FINISH_REASONS =
      AttributeKey.stringArrayKey("gen_ai.response.finish_reasons");

  private final Tracer tracer;
  private final Span span;
  private final Context context;
  private final SpanContext ids;
  private final long startEpochNanos;
  private final long startNanos; // of System.nanoTime

  private RequestTrace(Tracer tracer, Span span, Context context, long epochNanos, long nanos) {
    this.tracer = tracer;
    this.span = span;
    this.context = context;
    this.ids = span.getSpanContext();
    this.startEpochNanos = epochNanos;
    this.startNanos = nanos;
  }

  /**
   * Begins the span of a request.
   *
   * @param parent with the client's span, if it sent one
   * @param method of HTTP's, or _OTHER
   */
  static RequestTrace begin(
      Tracer tracer, Context parent, String method, String route, String client) {
    Instant now = Instant.now();
    long epochNanos = TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
    long nanos = System.nanoTime();
    Span span =
        tracer
            .spanBuilder(method + " " + route)
            .setParent(parent)
            .setSpanKind(SpanKind.SERVER)
            .setStartTimestamp(epochNanos, TimeUnit.NANOSECONDS)
            .setAttribute("http.request.method", method)
            .setAttribute("url.scheme", "http")
            .setAttribute("url.path", route)
            .setAttribute("http.route", route)
            .setAttribute("client.address", client)
            .startSpan();
    return new RequestTrace(tracer, span, span.storeInContext(parent), epochNanos, nanos);
  }

  /** The trace that was left with a request; null if it has none. */
  static @Nullable RequestTrace of(@Nullable Object handle) {
    return (RequestTrace) handle;
  }

  /** Whether its spans will be exported. */
  boolean isSampled() {
    return ids.isSampled();
  }

  String traceId() {
    return ids.getTraceId();
  }

  String spanId() {
    return ids.getSpanId();
  }

  /** With the request's span. */
  Context context() {
    return context;
  }

  /** Ends its spans. */
  void end(RequestReport report) {
    long end = System.nanoTime();
    if (span.isRecording()) {
      RequestNotes notes = report.notes();
      if (notes.account() != null) {
        addPhases(report, notes.account(), end);
      }
      describe(report);
      markEnd(span, report);
    }
    span.end(epochNanos(end), TimeUnit.NANOSECONDS);
  }

  private long epochNanos(long nanoTime) {
    return startEpochNanos + nanoTime - startNanos;
  }

  // ---------------------------------------------------------------- below the request

  /** A phase ends where the next begins; the last one may have come to an end before its own. */
  private void addPhases(RequestReport report, RequestAccount account, long end) {
    long arrival = report.notes().arrivalNanos();
    if (!account.hasBegun()) {
      endLast(phase("queue", report, arrival), report, end);
      return;
    }
    long begun = arrival + account.queueNanos();
    endPhase(phase("queue", report, arrival), begun);
    long lastStep = Math.min(end, Math.max(begun, arrival + account.lastStepNanos()));
    Span prefill =
        phase("prefill", report, begun)
            .setAttribute("tritium.prefilled_tokens", account.prefilledTokens())
            .setAttribute("tritium.cached_tokens", account.cachedTokens());
    if (account.firstTokenNanos() == 0) {
      endLast(prefill, report, lastStep);
      return;
    }
    long firstToken = arrival + account.firstTokenNanos();
    endPhase(prefill, firstToken);
    Span decode =
        phase("decode", report, firstToken)
            .setAttribute("tritium.generated_tokens", account.answerTokens());
    endLast(decode, report, lastStep);
  }

  private Span phase(String name, RequestReport report, long begin) {
    Span phase =
        tracer
            .spanBuilder(name)
            .setParent(context)
            .setStartTimestamp(epochNanos(begin), TimeUnit.NANOSECONDS)
            .startSpan();
    identify(phase, report);
    return phase;
  }

  private void endPhase(Span phase, long nanos) {
    phase.end(epochNanos(nanos), TimeUnit.NANOSECONDS);
  }

  private void endLast(Span phase, RequestReport report, long nanos) {
    markEnd(phase, report);
    endPhase(phase, nanos);
  }

  // ---------------------------------------------------------------- attributes

  /** What tells the span of a generation from others. */
  private static void identify(Span span, RequestReport report) {
    String model = report.notes().model();
    String operation = operation(report.endpoint());
    if (operation != null) {
      span.setAttribute("gen_ai.operation.name", operation);
      span.setAttribute("gen_ai.provider.name", "tritium");
      if (model != null) {
        span.setAttribute("gen_ai.request.model", model);
      }
    }
  }

  private static @Nullable String operation(Endpoint endpoint) {
    return switch (endpoint) {
      case CHAT -> "chat";
      case COMPLETIONS -> "text_completion";
      default -> null;
    };
  }

  private void describe(RequestReport report) {
    RequestNotes notes = report.notes();
    span.setAttribute("tritium.request_id", report.id());
    if (report.status() != 0) {
      span.setAttribute("http.response.status_code", report.status());
    }
    identify(span, report);
    RequestNotes.Asked asked = notes.asked();
    if (asked != null) {
      describe(asked);
    }
    RequestAccount account = notes.account();
    if (account == null) {
      return;
    }
    span.setAttribute("gen_ai.response.model", Objects.requireNonNull(notes.model()));
    span.setAttribute("gen_ai.response.id", Objects.requireNonNull(asked).answerId());
    List<FinishReason> finishes = notes.finishReasons();
    if (!finishes.isEmpty()) {
      span.setAttribute(
          FINISH_REASONS, finishes.stream().map(f -> f.name().toLowerCase(Locale.ROOT)).toList());
    }
    span.setAttribute("gen_ai.usage.input_tokens", account.promptTokens());
    span.setAttribute("gen_ai.usage.cache_read.input_tokens", account.cachedTokens());
    span.setAttribute("gen_ai.usage.output_tokens", account.answerTokens());
  }

  private void describe(RequestNotes.Asked asked) {
    Sampling sampling = asked.sampling();
    span.setAttribute("gen_ai.request.max_tokens", asked.maxTokens());
    span.setAttribute("gen_ai.request.temperature", sampling.temperature());
    span.setAttribute("gen_ai.request.top_p", sampling.topP());
    span.setAttribute("gen_ai.request.presence_penalty", sampling.presencePenalty());
    span.setAttribute("gen_ai.request.frequency_penalty", sampling.frequencyPenalty());
    if (sampling.topK() > 0) {
      span.setAttribute("gen_ai.request.top_k", (double) sampling.topK());
    }
    if (asked.answers() != 1) {
      span.setAttribute("gen_ai.request.choice.count", asked.answers());
    }
  }

  /**
   * Errors are the server's; what a client did wrong has a type only, as HTTP's conventions say.
   */
  private static void markEnd(Span span, RequestReport report) {
    Outcome outcome = report.outcome();
    if (outcome == Outcome.OK) {
      return;
    }
    span.setAttribute("error.type", errorType(report));
    if (outcome != Outcome.REFUSED && outcome != Outcome.OVERLOADED) {
      span.setStatus(StatusCode.ERROR);
    }
  }

  private static String errorType(RequestReport report) {
    ErrorKind error = report.notes().error();
    if (error != null) {
      return error.label();
    }
    return switch (report.outcome()) {
      case CANCELLED, STALLED -> report.outcome().label();
      default -> String.valueOf(report.status());
    };
  }
}
