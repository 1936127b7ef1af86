package dev.tritium.server;

import dev.tritium.scheduler.DrainingException;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;

/**
 * Ends the server's work before the server: nothing new is taken, what was begun may finish within
 * {@code tritium.shutdown.grace}, the rest is ended with an error that says why.
 */
@Singleton
public class Drain {
  private static final System.Logger LOG = System.getLogger(Drain.class.getName());

  /** Time to write the errors of what was ended. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(2);

  private final ModelServer server;
  private final Duration grace;

  /** Those that may be open; weak, because not every end of a connection is told. */
  private final Set<RoutingContext> exchanges =
      Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

  private volatile boolean draining;

  Drain(ModelServer server, TritiumConfig config) {
    this.server = server;
    this.grace = config.shutdown().grace();
  }

  /** Whether the server is about to end. */
  boolean isDraining() {
    return draining;
  }

  /** Lets an exchange begin, which the server's end then waits for; false if it is too late. */
  boolean begin(RoutingContext exchange) {
    exchanges.add(exchange); // before the look at draining, or it could be missed
    return !draining;
  }

  /**
   * Those that are open. They are asked outside of the set's lock: an answer has its connection's,
   * which the event loop may hold while a next request waits in {@link #begin} for the set's.
   */
  private List<RoutingContext> open() {
    List<RoutingContext> open = new ArrayList<>(exchanges);
    open.removeIf(
        exchange ->
            exchange.response().ended()
                || exchange.response().closed()
                || ClientConnections.isClosed(exchange.request()));
    return open;
  }

  /** Runs however the server is stopped, while its port is still open. */
  void run(@Observes ShutdownDelayInitiatedEvent event) throws InterruptedException {
    draining = true;
    server.drain();
    if (open().isEmpty()) {
      return;
    }
    LOG.log(
        System.Logger.Level.INFO,
        "shutting down: {0} requests have {1} s to finish",
        open().size(),
        grace.toSeconds());
    if (!awaitEnd(grace)) {
      LOG.log(System.Logger.Level.WARNING, "{0} requests were not done in time", open().size());
      server.endAll(
          new DrainingException(
              "the server shut down before the answer was complete; send it again"));
      awaitEnd(LAST_WORDS);
    }
    // The server's own end would wait for clients that take nothing.
    open().forEach(exchange -> ClientConnections.cut(exchange.request()));
  }

  private boolean awaitEnd(Duration limit) throws InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    while (!open().isEmpty() && System.nanoTime() < end) {
      Thread.sleep(10);
    }
    return open().isEmpty();
  }
}
