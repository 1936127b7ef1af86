package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StepReport;
import dev.tritium.kernel.RowKernels;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.testing.FakeModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** For tests that disturb small mixes of requests in each of their steps. */
abstract class Disturbed extends ByHand {
  static final Duration TIMEOUT = Duration.ofSeconds(10);

  /** Rows of one step. */
  static final int STEP_ROWS = 8;

  static final int PLACES = 3;

  /** Requests, each with the step before which it comes. */
  record Mix(String name, long cacheBytes, List<Arrival> arrivals) {
    @Override
    public String toString() {
      return name + ", cache of " + cacheBytes;
    }

    List<List<AnswerDelta>> expected() {
      return arrivals.stream()
          .map(arrival -> alone(arrival.prompts.toArray(SequenceRequest[]::new)))
          .toList();
    }
  }

  record Arrival(int step, List<SequenceRequest> prompts) {}

  private static Arrival arrival(int step, int[] prompt, int answers, int maxTokens) {
    return new Arrival(
        step, List.of(request(prompt, answers, maxTokens, "", new Logprobs(0, step == 0, false))));
  }

  private static int[] sharing(int own) {
    return join(prompt(1, 24), prompt(10 + own, own));
  }

  static Stream<Mix> mixes() {
    SequenceRequest first = request(prompt(8, 11), 2, 2, "", new Logprobs(1, true, true));
    SequenceRequest second =
        new SequenceRequest(
            sharing(3), 2, 1, "", first.sampling(), first.stop(), new Logprobs(0, true, false));
    return Stream.of(0L, 2 * (FakeModel.SNAPSHOT_BYTES + 700L), PLENTY)
        .flatMap(
            cache ->
                Stream.of(
                    new Mix(
                        "short and long ones",
                        cache,
                        List.of(
                            arrival(0, prompt(1, 5), 1, 3),
                            arrival(0, prompt(2, 30), 2, 2),
                            arrival(1, prompt(3, 3), 1, 4))),
                    new Mix(
                        "a common prefix",
                        cache,
                        List.of(
                            arrival(0, sharing(4), 1, 2),
                            arrival(0, sharing(1), 1, 2),
                            arrival(0, sharing(9), 1, 0),
                            arrival(2, sharing(4), 2, 1))),
                    new Mix(
                        "several prompts",
                        cache,
                        List.of(
                            new Arrival(0, List.of(first, second)),
                            arrival(0, sharing(5), 2, 2),
                            arrival(1, prompt(4, 2), 1, 2)))));
  }

  /** Rows of each account in each step that was reported. */
  final List<Map<RequestAccount, Integer>> rows = new ArrayList<>();

  /** A request as its client sees it. */
  static final class Client {
    final Generation generation;
    final List<List<AnswerDelta>> polls = new ArrayList<>();
    @Nullable RuntimeException failure;

    Client(Generation generation) {
      this.generation = generation;
    }

    void poll() {
      try {
        polls.add(generation.poll());
      } catch (RuntimeException e) {
        failure = e;
      }
    }

    List<AnswerDelta> answers() {
      return join(polls);
    }
  }

  private void listen(StepReport report) {
    steps.add(Step.of(report));
    Map<RequestAccount, Integer> ran = new HashMap<>();
    for (int g = 0; g < report.groups(); g++) {
      ran.merge(report.account(g), report.rows(g), Integer::sum);
    }
    rows.add(ran);
  }

  /** A scheduler on a new model. */
  Scheduler fresh(Mix mix, RowKernels kernels) {
    model = FakeModel.random();
    steps.clear();
    rows.clear();
    clock.now = 1;
    SchedulerLimits limits =
        new SchedulerLimits(
            PLACES,
            64,
            1_000,
            Duration.ofDays(1),
            TIMEOUT,
            PLENTY,
            STEP_ROWS,
            Duration.ofDays(1),
            mix.cacheBytes,
            6);
    return new Scheduler(model, tokenizer, kernels, limits, this::listen, clock);
  }

  Scheduler fresh(Mix mix) {
    return fresh(mix, new ScalarRowKernels());
  }

  /** What a test does in a step. */
  interface Disturbance {
    void disturb(List<Client> clients);
  }

  /**
   * Runs a mix to its end.
   *
   * @param at the step that is disturbed
   * @param within in the middle of the step, not before
   * @return the clients; fewer if the mix ended before that step
   */
  List<Client> play(Scheduler scheduler, Mix mix, int at, boolean within, Disturbance disturbance) {
    List<Client> clients = new ArrayList<>();
    for (int step = 0; ; step++) {
      for (Arrival arrival : mix.arrivals) {
        if (arrival.step == step) {
          clients.add(new Client(scheduler.submit(arrival.prompts)));
        }
      }
      model.beforeForward(() -> {});
      if (step == at && within) {
        model.beforeForward(() -> disturbance.disturb(clients));
      } else if (step == at) {
        disturbance.disturb(clients);
      }
      boolean ran = scheduler.step();
      assertTrue(scheduler.runningCount() <= PLACES);
      clients.forEach(Client::poll);
      if (!ran && step >= 2) {
        return clients;
      }
      assertTrue(step < 1_000, "it never ends");
    }
  }

  /** Steps that the mix takes when nothing disturbs it. */
  int length(Mix mix) {
    List<Client> clients = play(fresh(mix), mix, -1, false, none -> {});
    List<List<AnswerDelta>> expected = mix.expected();
    for (int c = 0; c < clients.size(); c++) {
      assertEquals(expected.get(c), clients.get(c).answers(), "client " + c);
    }
    return steps.size();
  }
}
