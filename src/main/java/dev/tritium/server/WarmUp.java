package dev.tritium.server;

import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.scheduler.Generation;
import dev.tritium.scheduler.Scheduler;
import java.util.List;
import java.util.Set;

/** Lets the JVM compile the engine before the first client waits for it. */
final class WarmUp {
  private static final long LIMIT_NANOS = 500_000_000;
  private static final int PROMPT_TOKENS = 33; // a prefill that uses every tile of the kernels
  private static final int ANSWER_TOKENS = 32;

  private WarmUp() {}

  /** Generates until the time is over; costs nothing that clients see. */
  static void run(Scheduler scheduler, LoadedModel loaded) {
    SequenceRequest request =
        new SequenceRequest(
            new int[PROMPT_TOKENS],
            0,
            Sampling.plain(0),
            new StopRules(ANSWER_TOKENS, 0, List.of(), Set.of()),
            Logprobs.NONE);
    long end = System.nanoTime() + LIMIT_NANOS;
    while (System.nanoTime() < end) {
      Generation generation = scheduler.submit(List.of(request));
      while (!generation.isDone() && System.nanoTime() < end) {
        generation.poll();
        Thread.onSpinWait();
      }
      generation.cancel();
    }
    while (scheduler.runningCount() > 0) {
      Thread.onSpinWait(); // the last step still runs; it must not be counted
    }
  }
}
