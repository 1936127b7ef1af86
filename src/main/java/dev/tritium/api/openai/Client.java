package dev.tritium.api.openai;

import io.smallrye.mutiny.subscription.Cancellable;
import java.time.Duration;
import org.jboss.resteasy.reactive.server.core.CurrentRequestManager;
import org.jboss.resteasy.reactive.server.core.ResteasyReactiveRequestContext;

/** Who waits for an answer. */
record Client(ResteasyReactiveRequestContext exchange, Connections connections) {
  /** The client of the request that this thread answers. */
  static Client current(Connections connections) {
    return new Client(CurrentRequestManager.get(), connections);
  }

  boolean hasLeft() {
    return exchange.serverResponse().closed();
  }

  Duration pingAfter() {
    return connections.pingAfter();
  }

  Duration stallTimeout() {
    return connections.stallTimeout();
  }

  RequestNotes notes() {
    return connections.notes(exchange.serverRequest());
  }

  void cut() {
    connections.cut(exchange.serverRequest());
  }

  /** As {@link Connections#onClose}. */
  Cancellable onClose(Runnable action) {
    return connections.onClose(exchange.serverRequest(), action);
  }
}
