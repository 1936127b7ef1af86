package dev.tritium.server;

import dev.tritium.api.openai.Connections;
import dev.tritium.api.openai.RequestNotes;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import io.smallrye.mutiny.subscription.Cancellable;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.impl.HttpServerRequestInternal;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jboss.resteasy.reactive.server.spi.ServerHttpRequest;

/** Connections as Vert.x has them. */
@Singleton
public class ClientConnections implements Connections {
  private final TritiumConfig config;

  ClientConnections(TritiumConfig config) {
    this.config = config;
  }

  @Override
  public Duration pingAfter() {
    return config.stream().ping();
  }

  @Override
  public Duration stallTimeout() {
    return config.stream().stallTimeout();
  }

  @Override
  public RequestNotes notes(ServerHttpRequest request) {
    return Exchange.notes(request.unwrap(RoutingContext.class));
  }

  @Override
  public EventLoop eventLoop(ServerHttpRequest request) {
    return nettyContext(request.unwrap(HttpServerRequest.class)).channel().eventLoop();
  }

  @Override
  public void inContext(ServerHttpRequest request, Runnable action) {
    HttpServerRequest ofVertx = request.unwrap(HttpServerRequest.class);
    ((ContextInternal) ((HttpServerRequestInternal) ofVertx).context()).dispatch(action);
  }

  @Override
  public void onWorker(Runnable action) {
    Infrastructure.getDefaultWorkerPool().execute(action);
  }

  @Override
  public Cancellable every(ServerHttpRequest request, Duration period, Runnable action) {
    return every(eventLoop(request), period, action);
  }

  static Cancellable every(EventLoop loop, Duration period, Runnable action) {
    long nanos = period.toNanos();
    ScheduledFuture<?> timer =
        loop.scheduleWithFixedDelay(action, nanos, nanos, TimeUnit.NANOSECONDS);
    return () -> timer.cancel(false);
  }

  @Override
  public void cut(ServerHttpRequest request) {
    cut(request.unwrap(HttpServerRequest.class));
  }

  static void cut(HttpServerRequest request) {
    // Past Vert.x: its close waits until everything was written, forever for who takes nothing;
    // its fail throws when the next request has begun to come.
    ChannelFuture _ = nettyContext(request).close();
  }

  @Override
  public Cancellable onClose(ServerHttpRequest request, Runnable action) {
    return onClose(request.unwrap(HttpServerRequest.class), action);
  }

  static Cancellable onClose(HttpServerRequest request, Runnable action) {
    // Netty's event: Vert.x does not tell a queued request that begins on a closed connection.
    ChannelFuture closed = nettyContext(request).channel().closeFuture();
    ChannelFutureListener listener = ignored -> action.run();
    closed.addListener(listener);
    return () -> closed.removeListener(listener);
  }

  static boolean isClosed(HttpServerRequest request) {
    return !nettyContext(request).channel().isOpen();
  }

  static ChannelHandlerContext nettyContext(HttpServerRequest request) {
    return ((ConnectionBase) request.connection()).channelHandlerContext();
  }
}
