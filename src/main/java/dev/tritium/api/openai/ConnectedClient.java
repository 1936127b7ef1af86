package dev.tritium.api.openai;

import io.smallrye.mutiny.subscription.Cancellable;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jboss.resteasy.reactive.server.core.ResteasyReactiveRequestContext;
import org.jspecify.annotations.Nullable;

/** A client at the other end of an HTTP exchange. */
record ConnectedClient(ResteasyReactiveRequestContext exchange, Connections connections)
    implements Client {
  @Override
  public boolean hasLeft() {
    return exchange.serverResponse().closed();
  }

  @Override
  public Duration pingAfter() {
    return connections.pingAfter();
  }

  @Override
  public Duration stallTimeout() {
    return connections.stallTimeout();
  }

  @Override
  public RequestNotes notes() {
    return connections.notes(exchange.serverRequest());
  }

  @Override
  public void takeOver() {
    exchange.suspend();
  }

  @Override
  public Executor eventLoop() {
    return connections.eventLoop(exchange.serverRequest());
  }

  @Override
  public void inContext(Runnable action) {
    connections.inContext(exchange.serverRequest(), action);
  }

  @Override
  public void onWorker(Runnable action) {
    connections.onWorker(action);
  }

  @Override
  public Cancellable every(Duration period, Runnable action) {
    return connections.every(exchange.serverRequest(), period, action);
  }

  @Override
  public void header(String name, String value) {
    exchange.serverResponse().setResponseHeader(name, value);
  }

  @Override
  public void setChunked() {
    exchange.serverResponse().setChunked(true);
  }

  @Override
  public void write(String piece, Consumer<@Nullable Throwable> whenWritten) {
    try {
      exchange.serverResponse().write(piece.getBytes(StandardCharsets.UTF_8), whenWritten);
    } catch (IllegalStateException e) { // its connection is closed
      whenWritten.accept(e);
    }
  }

  @Override
  public void finish() {
    if (!hasLeft()) {
      exchange.serverResponse().end();
    }
  }

  @Override
  public void release() {
    exchange.close();
  }

  @Override
  public void fail(Throwable failure) {
    exchange.resume(failure, true);
  }

  @Override
  public void cut() {
    connections.cut(exchange.serverRequest());
  }

  @Override
  public Cancellable onClose(Runnable action) {
    return connections.onClose(exchange.serverRequest(), action);
  }
}
