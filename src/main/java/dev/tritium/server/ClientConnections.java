package dev.tritium.server;

import dev.tritium.api.openai.Connections;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.time.Duration;
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
  public void cut(ServerHttpRequest request) {
    cut(request.unwrap(HttpServerRequest.class));
  }

  static void cut(HttpServerRequest request) {
    // The connection's own close waits until everything was written: forever, for who takes
    // nothing.
    ((ConnectionBase) request.connection()).fail(new IOException("cut off: it takes nothing"));
  }
}
