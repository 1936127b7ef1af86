package dev.tritium.api.openai;

import io.smallrye.mutiny.subscription.Cancellable;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Consumer;
import org.jboss.resteasy.reactive.server.core.CurrentRequestManager;
import org.jboss.resteasy.reactive.server.core.ResteasyReactiveRequestContext;
import org.jspecify.annotations.Nullable;

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

  /** From now on what it is answered is written here, by its event loop. */
  void takeOver() {
    exchange.suspend();
  }

  void onEventLoop(Runnable action) {
    connections.onEventLoop(exchange.serverRequest(), action);
  }

  void onWorker(Runnable action) {
    connections.onWorker(action);
  }

  /** Runs an action again and again on the event loop. */
  Cancellable every(Duration period, Runnable action) {
    return connections.every(exchange.serverRequest(), period, action);
  }

  void header(String name, String value) {
    exchange.serverResponse().setResponseHeader(name, value);
  }

  /** The body has a length that is not known yet. */
  void setChunked() {
    exchange.serverResponse().setChunked(true);
  }

  /**
   * Writes a piece of the body.
   *
   * @param whenWritten gets what went wrong, or null
   */
  void write(String piece, Consumer<@Nullable Throwable> whenWritten) {
    try {
      exchange.serverResponse().write(piece.getBytes(StandardCharsets.UTF_8), whenWritten);
    } catch (IllegalStateException e) { // its connection is closed
      whenWritten.accept(e);
    }
  }

  /** Ends the body. */
  void finish() {
    if (!hasLeft()) {
      exchange.serverResponse().end();
    }
  }

  /** Forgets the exchange, which was taken over and is not answered with an error. */
  void release() {
    exchange.close();
  }

  /** Answers with an error; nothing was written yet. */
  void fail(Throwable failure) {
    exchange.resume(failure, true);
  }

  void cut() {
    connections.cut(exchange.serverRequest());
  }

  /** As {@link Connections#onClose}. */
  Cancellable onClose(Runnable action) {
    return connections.onClose(exchange.serverRequest(), action);
  }
}
