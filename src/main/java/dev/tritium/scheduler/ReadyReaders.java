package dev.tritium.scheduler;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/**
 * Readers that are to be called at the end of a step: all of a thread by one task. Woken for each
 * of them, it would take a core from the engine as often.
 */
final class ReadyReaders {
  private static final System.Logger LOG = System.getLogger(ReadyReaders.class.getName());

  private final Map<Executor, List<Runnable>> ready = new LinkedHashMap<>();

  void add(Executor thread, Runnable reader) {
    ready.computeIfAbsent(thread, ignored -> new ArrayList<>()).add(reader);
  }

  boolean isEmpty() {
    return ready.isEmpty();
  }

  /** Has the readers called. What fails in one of them ends no other. */
  void call() {
    ready.forEach(
        (thread, readers) ->
            attempt(() -> thread.execute(() -> readers.forEach(ReadyReaders::attempt))));
  }

  private static void attempt(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException | Error e) {
      LOG.log(System.Logger.Level.ERROR, "a request's reader failed", e);
    }
  }
}
