package dev.tritium.api.openai;

import io.smallrye.mutiny.subscription.Cancellable;
import java.time.Duration;
import java.util.concurrent.Executor;
import org.jboss.resteasy.reactive.server.spi.ServerHttpRequest;

/** How the server treats the connections on which answers go out. */
public interface Connections {
  /** A stream that is silent for longer is pinged: proxies cut those. */
  Duration pingAfter();

  /** A reader that takes nothing for longer, although there is something to take, is cut off. */
  Duration stallTimeout();

  /** Where notes on a request are left for those who are told of its end. */
  RequestNotes notes(ServerHttpRequest request);

  /** The thread, shared with others, that alone reads and writes on the request's connection. */
  Executor eventLoop(ServerHttpRequest request);

  /** Runs an action of the event loop of a traced request; what it logs names the trace. */
  void inContext(ServerHttpRequest request, Runnable action);

  /** Has a thread that no other client waits for run an action. */
  void onWorker(Runnable action);

  /**
   * Runs an action on the request's event loop again and again, until that is cancelled; a period
   * lies between any two runs, also when runs were missed.
   */
  Cancellable every(ServerHttpRequest request, Duration period, Runnable action);

  /** Closes a connection at once; what its client has not taken is dropped. */
  void cut(ServerHttpRequest request);

  /**
   * Has {@code action} run when the request's connection closes, or soon if it has closed already.
   *
   * @return forgets the action: a connection outlives its exchanges
   */
  Cancellable onClose(ServerHttpRequest request, Runnable action);
}
