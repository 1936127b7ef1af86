package dev.tritium.server;

import dev.tritium.api.openai.Endpoint;
import dev.tritium.api.openai.ErrorKind;
import dev.tritium.api.openai.Outcome;
import dev.tritium.api.openai.RequestListener;
import dev.tritium.api.openai.RequestNotes;
import dev.tritium.api.openai.RequestReport;
import io.smallrye.mutiny.subscription.Cancellable;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/** An HTTP exchange, which is reported once when it has ended, however it ends. */
final class Exchange {
  private static final System.Logger LOG = System.getLogger(Exchange.class.getName());

  private static final String NOTES = RequestNotes.class.getName();

  private final RoutingContext context;
  private final Endpoint endpoint;
  private final RequestNotes notes;
  private final Iterable<RequestListener> listeners;
  private final long startNanos = System.nanoTime();
  private final AtomicBoolean ended = new AtomicBoolean();

  private Exchange(
      RoutingContext context,
      Endpoint endpoint,
      RequestNotes notes,
      Iterable<RequestListener> listeners) {
    this.context = context;
    this.endpoint = endpoint;
    this.notes = notes;
    this.listeners = listeners;
  }

  /** Begins to watch an exchange. */
  static Exchange begin(
      RoutingContext context,
      Endpoint endpoint,
      RequestNotes notes,
      Iterable<RequestListener> listeners) {
    context.put(NOTES, notes);
    Exchange exchange = new Exchange(context, endpoint, notes, listeners);
    Cancellable atClose = ClientConnections.onClose(context.request(), exchange::end);
    context.addEndHandler(
        ignored -> {
          atClose.cancel();
          exchange.end();
        });
    return exchange;
  }

  static RequestNotes notes(RoutingContext context) {
    return Objects.requireNonNull(context.get(NOTES));
  }

  /** Since its head was read. */
  long nanos() {
    return System.nanoTime() - startNanos;
  }

  private void end() {
    if (!ended.compareAndSet(false, true)) {
      return;
    }
    HttpServerResponse response = context.response();
    RequestReport report =
        new RequestReport(
            notes.id(),
            String.valueOf(context.request().remoteAddress().hostAddress()),
            context.request().method().name(),
            String.valueOf(context.request().path()),
            endpoint,
            response.headWritten() ? response.getStatusCode() : 0,
            outcome(response),
            nanos(),
            notes);
    for (RequestListener listener : listeners) {
      try {
        listener.requestEnded(report);
      } catch (RuntimeException e) {
        LOG.log(System.Logger.Level.ERROR, "a request's listener failed", e);
      }
    }
  }

  private Outcome outcome(HttpServerResponse response) {
    ErrorKind error = notes.error();
    if (error != null) {
      return Outcome.ofStatus(error.status());
    }
    if (notes.stalled()) {
      return Outcome.STALLED;
    }
    return response.ended() ? Outcome.ofStatus(response.getStatusCode()) : Outcome.CANCELLED;
  }
}
