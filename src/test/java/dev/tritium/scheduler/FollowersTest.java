package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.Logprobs;
import dev.tritium.testing.FakeModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Prompts that come together compute once what they have in common. */
class FollowersTest extends ByHand {
  private static final int COMMON = 100;

  /** A prompt whose first tokens are those of the others. */
  private static int[] sharing(int own) {
    return join(prompt(1, COMMON), prompt(10 + own, 20));
  }

  private static List<Generation> submitSharing(Scheduler scheduler, int count) {
    List<Generation> generations = new ArrayList<>();
    for (int own = 0; own < count; own++) {
      generations.add(submit(scheduler, sharing(own), 2));
    }
    return generations;
  }

  private static List<AnswerDelta> expected(int own) {
    return alone(request(sharing(own), 1, 2));
  }

  @Test
  void whatTheyHaveInCommonIsRunOnce() {
    Scheduler scheduler = caching(64, 512);
    List<Generation> generations = submitSharing(scheduler, 5);
    runAll(scheduler);
    assertEquals(COMMON + 5 * (20 + 1), rowsRun());
    for (int own = 0; own < 5; own++) {
      assertEquals(own == 0 ? 0 : COMMON, generations.get(own).account().cachedTokens());
      assertEquals(expected(own), read(generations.get(own)));
    }
    assertAtRest(scheduler);
  }

  @Test
  void equalPromptsCostOneRowMoreEach() {
    Scheduler scheduler = caching(16, 512);
    for (int i = 0; i < 5; i++) {
      submit(scheduler, prompt(1, 40), 1);
    }
    runAll(scheduler);
    assertEquals(40 + 4, rowsRun());
  }

  @Test
  void theyBeginAsSoonAsTheLeaderIsFarEnough() {
    Scheduler scheduler = caching(40, 512);
    Generation leader = submit(scheduler, prompt(1, 1_000), 1);
    Generation follower = submit(scheduler, join(prompt(1, 30), prompt(2, 500)), 1);
    step(scheduler, 1);
    assertEquals(40, leader.account().prefilledTokens(), "nobody else had rows");
    assertEquals(2, scheduler.runningCount(), "it has its place");
    step(scheduler, 1);
    assertEquals(30, follower.account().cachedTokens());
    assertEquals(20, follower.account().prefilledTokens());
    assertEquals(60, leader.account().prefilledTokens());
  }

  @Test
  void nobodyWaitsForAFewTokens() {
    Scheduler scheduler = caching(64, 512);
    submit(scheduler, prompt(1, 200), 1);
    Generation other = submit(scheduler, join(prompt(1, 15), prompt(2, 40)), 1);
    step(scheduler, 1);
    assertEquals(32, other.account().prefilledTokens());
  }

  @Test
  void saltsStayApart() {
    Scheduler scheduler = caching(64, 512);
    for (String salt : List.of("", "a", "b")) {
      scheduler.submit(List.of(request(prompt(1, 50), 1, 1, salt, Logprobs.NONE)));
    }
    runAll(scheduler);
    assertEquals(150, rowsRun());
  }

  @Test
  void whoWantsPromptLogprobsWaitsForNobodyButMayLead() {
    Scheduler scheduler = caching(64, 512);
    Logprobs ofPrompt = new Logprobs(0, false, true);
    for (int i = 0; i < 2; i++) {
      scheduler.submit(List.of(request(prompt(1, 50), 1, 1, "", ofPrompt)));
    }
    submit(scheduler, prompt(1, 50), 1);
    step(scheduler, 1);
    assertEquals(64, rowsRun());
    runAll(scheduler);
    assertEquals(50 + 50 + 1, rowsRun());
  }

  @Test
  void anotherTakesOverWhenTheLeaderIsCancelled() {
    Scheduler scheduler = caching(32, 512);
    List<Generation> generations = submitSharing(scheduler, 3);
    step(scheduler, 2);
    generations.getFirst().cancel();
    runAll(scheduler);
    assertEquals(64, generations.get(1).account().cachedTokens(), "what the leader had run");
    assertEquals(COMMON, generations.get(2).account().cachedTokens());
    assertEquals(64 + (36 + 20) + 20 + 2, rowsRun());
    for (int own = 1; own < 3; own++) {
      assertEquals(expected(own), read(generations.get(own)));
    }
    assertAtRest(scheduler);
  }

  @Test
  void anotherTakesOverWhenTheLeaderFails() {
    Scheduler scheduler = caching(32, 16);
    List<Generation> generations = submitSharing(scheduler, 3);
    step(scheduler, 1);
    model.beforeForward(
        () -> {
          throw new IllegalStateException("on purpose");
        });
    step(scheduler, 1);
    model.beforeForward(() -> {});
    runAll(scheduler);
    assertThrows(IllegalStateException.class, generations.getFirst()::poll);
    assertEquals(32, generations.get(1).account().cachedTokens(), "the chunks before the failure");
    assertEquals(COMMON, generations.get(2).account().cachedTokens());
    for (int own = 1; own < 3; own++) {
      assertEquals(expected(own), read(generations.get(own)));
    }
    assertAtRest(scheduler);
  }

  @Test
  void theyRunAloneIfTheCacheCannotKeepWhatTheyWaitFor() {
    SchedulerLimits limits = Schedulers.limits(8, 8, 32, FakeModel.SNAPSHOT_BYTES, 512);
    Scheduler scheduler = scheduler(limits);
    List<Generation> generations = submitSharing(scheduler, 3);
    runAll(scheduler);
    for (int own = 0; own < 3; own++) {
      assertEquals(expected(own), read(generations.get(own)));
    }
    assertEquals(3 * (COMMON + 20 + 1), rowsRun());
  }

  @Test
  void aFollowerThatIsCancelledFreesItsPlace() {
    Scheduler scheduler = scheduler(Schedulers.limits(2, 8, 32, PLENTY, 512));
    Generation follower = submitSharing(scheduler, 2).getLast();
    Generation waits = submit(scheduler, prompt(2, 10), 1);
    step(scheduler, 1);
    assertEquals(2, scheduler.runningCount());
    assertEquals(1, scheduler.waitingCount());
    follower.cancel();
    step(scheduler, 1);
    assertEquals(0, scheduler.waitingCount());
    assertEquals(1, read(waits).getFirst().tokens().size());
    runAll(scheduler);
    assertEquals(0, follower.account().prefilledTokens());
    assertAtRest(scheduler);
  }

  @Test
  void followersWhoseTimeIsOverEndWithTheirLeader() {
    SchedulerLimits limits = AdmissionTest.limits(3, 400, PLENTY, Duration.ofSeconds(9), PLENTY);
    Scheduler scheduler = scheduler(limits);
    List<Generation> generations = submitSharing(scheduler, 3);
    step(scheduler, 1);
    clock.pass(Duration.ofSeconds(10));
    assertFalse(scheduler.step());
    for (Generation generation : generations) {
      assertThrows(RequestTimeoutException.class, generation::poll);
    }
    assertAtRest(scheduler);
  }

  @Test
  void followersOfDifferentLengthsOfOneLeaderEachBeginInTheirTurn() {
    Scheduler scheduler = caching(10, 512);
    submit(scheduler, prompt(1, 100), 1);
    List<Generation> followers = new ArrayList<>();
    for (int common = 20; common <= 80; common += 20) {
      followers.add(submit(scheduler, join(prompt(1, common), prompt(common, 3)), 1));
    }
    int[] begun = new int[4];
    for (int s = 1; scheduler.step(); s++) {
      for (int f = 0; f < 4; f++) {
        int cached = followers.get(f).account().cachedTokens();
        assertTrue(cached == 0 || cached == 20 * (f + 1), "follower " + f + " has " + cached);
        begun[f] = begun[f] == 0 && cached > 0 ? s : begun[f];
      }
    }
    assertTrue(begun[0] < begun[1] && begun[1] < begun[2] && begun[2] < begun[3]);
    assertEquals(100 + 4 * 3, rowsRun());
  }
}
