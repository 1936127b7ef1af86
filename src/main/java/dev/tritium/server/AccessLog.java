package dev.tritium.server;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.api.openai.Endpoint;
import dev.tritium.api.openai.ErrorKind;
import dev.tritium.api.openai.RequestListener;
import dev.tritium.api.openai.RequestNotes;
import dev.tritium.api.openai.RequestReport;
import dev.tritium.engine.RequestAccount;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.logging.Handler;
import java.util.logging.Logger;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.jboss.logmanager.formatters.StructuredFormatter;

/**
 * Writes one line of JSON for each exchange but health checks and metrics, to the log category
 * {@code tritium.access}. What clients wrote is not in it, unless {@code tritium.access-log.text}
 * asks for it.
 */
@Singleton
public class AccessLog implements RequestListener {
  private static final System.Logger LOG = System.getLogger("tritium.access");

  private static final int MAX_PATH_LENGTH = 200;

  /** ASCII alone: no character can end a line or steer a terminal. */
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  private final boolean enabled;

  AccessLog(TritiumConfig config) {
    this.enabled = config.accessLog().enabled();
    keepLinesAsTheyAre();
  }

  /** Where the logs are JSON, Quarkus's formatter would make each line a string in another. */
  private static void keepLinesAsTheyAre() {
    for (Handler handler : Logger.getLogger(LOG.getName()).getHandlers()) {
      if (handler.getFormatter() instanceof StructuredFormatter) {
        handler.setFormatter(new PatternFormatter("%s%n"));
      }
    }
  }

  @Override
  public void requestEnded(RequestReport report) {
    if (enabled && report.endpoint() != Endpoint.HEALTH && report.endpoint() != Endpoint.METRICS) {
      LOG.log(System.Logger.Level.INFO, "{0}", line(report));
    }
  }

  /** The line, at a request's end. */
  static String line(RequestReport report) {
    RequestNotes notes = report.notes();
    ObjectNode json = JSON.createObjectNode();
    json.put("time", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString());
    json.put("id", report.id());
    RequestTrace trace = RequestTrace.of(notes.trace());
    if (trace != null) {
      json.put("trace_id", trace.traceId());
    }
    json.put("client", report.client());
    json.put("method", report.method());
    String path = report.path();
    json.put("path", path.substring(0, Math.min(path.length(), MAX_PATH_LENGTH)));
    json.put("endpoint", report.endpoint().label());
    json.put("status", report.status());
    json.put("outcome", report.outcome().label());
    ErrorKind error = notes.error();
    if (error != null) {
      json.put("error", error.label());
    }
    if (notes.model() != null) {
      json.put("model", notes.model());
    }
    RequestAccount account = notes.account();
    if (account != null) {
      json.put("stream", notes.streamed());
      json.put("prompt_tokens", account.promptTokens());
      json.put("cached_tokens", account.cachedTokens());
      json.put("completion_tokens", account.answerTokens());
      ArrayNode finishes = json.putArray("finish_reasons");
      notes.finishReasons().forEach(finish -> finishes.add(finish.name().toLowerCase(Locale.ROOT)));
      json.put("queue_ms", millis(account.queueNanos()));
      json.put("first_token_ms", millis(account.firstTokenNanos()));
    }
    json.put("ms", millis(report.nanos()));
    String body = notes.body();
    if (body != null) {
      json.put("request", body);
      List<String> texts = notes.texts();
      texts.forEach(json.putArray("answers")::add);
    }
    try {
      return JSON.writeValueAsString(json);
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalStateException(e); // a tree can always be written
    }
  }

  private static double millis(long nanos) {
    return Math.round(nanos / 1e5) / 10.0;
  }
}
