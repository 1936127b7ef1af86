package dev.tritium.api.openai;

import io.smallrye.mutiny.subscription.Cancellable;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jboss.resteasy.reactive.server.core.CurrentRequestManager;
import org.jspecify.annotations.Nullable;

/** Who waits for an answer. */
interface Client {
  /** The client of the request that this thread answers. */
  static Client current(Connections connections) {
    return new ConnectedClient(CurrentRequestManager.get(), connections);
  }

  boolean hasLeft();

  /** As {@link Connections#pingAfter}. */
  Duration pingAfter();

  /** As {@link Connections#stallTimeout}. */
  Duration stallTimeout();

  RequestNotes notes();

  /** From now on what it is answered is written here, by its event loop. */
  void takeOver();

  /** As {@link Connections#eventLoop}. */
  Executor eventLoop();

  /** As {@link Connections#inContext}. */
  void inContext(Runnable action);

  /** Has a thread that no other client waits for run an action. */
  void onWorker(Runnable action);

  /** As {@link Connections#every}. */
  Cancellable every(Duration period, Runnable action);

  void header(String name, String value);

  /** The body has a length that is not known yet. */
  void setChunked();

  /**
   * Writes a piece of the body.
   *
   * @param whenWritten gets what went wrong, or null
   */
  void write(String piece, Consumer<@Nullable Throwable> whenWritten);

  /** Ends the body. */
  void finish();

  /** Forgets the exchange, which was taken over and is not answered with an error. */
  void release();

  /** Answers with an error; nothing was written yet. */
  void fail(Throwable failure);

  /** As {@link Connections#cut}. */
  void cut();

  /** As {@link Connections#onClose}. */
  Cancellable onClose(Runnable action);
}
