package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.Sampling;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import dev.tritium.kernel.Kernels;
import dev.tritium.model.LanguageModel;
import dev.tritium.testing.Golden;
import dev.tritium.testing.Models;
import dev.tritium.testing.Seeded;
import dev.tritium.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A real model under everything at once: each answer is the one that its request gets alone. */
class RandomMixTest {
  private static final int REQUESTS = 200;
  private static final int STATES_CACHED = 60;

  private SplittableRandom random = new SplittableRandom(); // of the case that runs

  /** A request as its client sees it. */
  private static final class Client {
    final SequenceRequest request;
    final Generation generation;
    final List<List<AnswerDelta>> polls = new ArrayList<>();
    int stepsUntilItLeaves;

    Client(SequenceRequest request, Generation generation, int stepsUntilItLeaves) {
      this.request = request;
      this.generation = generation;
      this.stepsUntilItLeaves = stepsUntilItLeaves;
    }
  }

  private int[] tokens(long seed, int count) {
    return new SplittableRandom(seed).ints(count, 3, 4_096).toArray();
  }

  /** One in 25 is long, and most begin as others do. */
  private int[] prompt() {
    int most = random.nextInt(25) == 0 ? 3_000 : 80;
    int length = random.nextInt(1, most + 1);
    int shared = random.nextInt(length + 1);
    return ByHand.join(
        tokens(random.nextInt(3), shared), tokens(100 + random.nextInt(50), length - shared));
  }

  private Sampling sampling() {
    long seed = random.nextLong();
    return switch (random.nextInt(6)) {
      case 0 -> Sampling.greedy();
      case 1 -> Sampling.plain(seed);
      case 2 -> new Sampling(0.8, 40, 0.95, 0.01, 1, 1.1, 0.5, 0.5, Map.of(300, 2.0), seed);
      case 3 -> new Sampling(1, 0, 0.9, 0, 1, 1.3, 0, 0, Map.of(), seed);
      case 4 -> new Sampling(1.2, 0, 1, 0.05, 1, 1, 0.4, 0.2, Map.of(), seed);
      default -> new Sampling(1, 0, 1, 0, 0.9, 1, 0, 0, Map.of(5, -3.0), seed);
    };
  }

  private SequenceRequest request() {
    List<String> stops = random.nextInt(3) == 0 ? List.of("e", " the", "\n") : List.of("no such");
    StopRules stop =
        new StopRules(random.nextInt(25), random.nextInt(3), stops, Set.of(2, 17, 1_000));
    Logprobs logprobs =
        new Logprobs(random.nextInt(4), random.nextBoolean(), random.nextInt(20) == 0);
    int answers = random.nextInt(3) == 0 ? random.nextInt(2, 5) : 1;
    String salt = random.nextInt(5) == 0 ? "a tenant" : "";
    return new SequenceRequest(prompt(), 0, answers, salt, sampling(), stop, logprobs);
  }

  @Test
  void everyAnswerIsTheOneThatItsRequestGetsAlone() {
    Seeded.check(1, this::compare);
  }

  private void compare(SplittableRandom seeded) {
    random = seeded;
    try (Kernels kernels = Kernels.create("auto", 2);
        LanguageModel model = Models.load(Golden.checkpoint("hgrn-tiny"), kernels);
        Tokenizer tokenizer = Tokenizer.open(Golden.checkpoint("hgrn-tiny"))) {
      SchedulerLimits limits =
          new SchedulerLimits(
              16,
              REQUESTS,
              Integer.MAX_VALUE,
              Duration.ofDays(1),
              Duration.ZERO,
              20 * model.stateBytes(1),
              96,
              Duration.ofDays(1),
              STATES_CACHED * (model.stateBytes(1) + 700),
              64);
      Scheduler scheduler = new Scheduler(model, tokenizer, kernels.rows(), limits, report -> {});
      List<Client> clients = play(scheduler);
      int cached = 0;
      int cancelled = 0;
      for (int c = 0; c < clients.size(); c++) {
        Client client = clients.get(c);
        List<AnswerDelta> answers = ByHand.join(client.polls);
        if (client.stepsUntilItLeaves <= 0) {
          cancelled++;
        } else {
          assertTrue(client.generation.isDone());
          assertEquals(ByHand.alone(model, client.request, tokenizer), answers, "request " + c);
        }
        cached += client.generation.account().cachedTokens();
      }
      assertTrue(cached > 1_000, cached + " tokens were there");
      assertTrue(cancelled > 10 && cancelled < 60, cancelled + " left");
      assertTrue(scheduler.cache().evictions() > 100, scheduler.cache().evictions() + " evictions");
      assertTrue(scheduler.isIdle());
      assertEquals(0, scheduler.waitingTokens());
    }
  }

  private List<Client> play(Scheduler scheduler) {
    List<Client> clients = new ArrayList<>();
    boolean ran = true;
    while (clients.size() < REQUESTS || ran) {
      for (int come = random.nextInt(3); come > 0 && clients.size() < REQUESTS; come--) {
        SequenceRequest request = request();
        int leaves = random.nextInt(6) == 0 ? random.nextInt(1, 20) : Integer.MAX_VALUE;
        clients.add(new Client(request, scheduler.submit(List.of(request)), leaves));
      }
      ran = scheduler.step();
      for (Client client : clients) {
        if (random.nextInt(4) == 0) { // slow readers
          client.polls.add(client.generation.poll());
        }
        if (!client.generation.isDone() && --client.stepsUntilItLeaves == 0) {
          client.generation.cancel();
        }
      }
    }
    clients.forEach(client -> client.polls.add(client.generation.poll()));
    return clients;
  }
}
