package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Seeded;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request finds of what others have run, and that its answer does not change by it. */
class PrefixSharingTest extends ByHand {
  private static final Logprobs OF_PROMPT = new Logprobs(2, true, true);

  private static void assertTokens(int prefilled, int cached, Generation generation) {
    assertEquals(prefilled, generation.account().prefilledTokens(), "prefilled");
    assertEquals(cached, generation.account().cachedTokens(), "cached");
  }

  @Test
  void thePromptThatWasRunBeforeCostsOneRow() {
    Scheduler scheduler = caching(128, 512);
    Generation first = run(scheduler, prompt(1, 40), 1);
    Generation again = run(scheduler, prompt(1, 40), 1);
    assertTokens(40, 0, first);
    assertTokens(1, 39, again);
    assertEquals(List.of(40, 1), model.rowsOfCalls());
    assertEquals(read(first), read(again));
  }

  @Test
  void aLongerPromptCostsWhatIsNew() {
    Scheduler scheduler = caching(128, 512);
    run(scheduler, prompt(1, 40), 1);
    assertTokens(10, 40, run(scheduler, prompt(1, 50), 1));
  }

  @Test
  void aShorterPromptHitsNothingBehindItsEnd() {
    Scheduler scheduler = caching(128, 512);
    run(scheduler, prompt(1, 40), 1);
    assertTokens(30, 0, run(scheduler, prompt(1, 30), 1));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7})
  void theNextTurnOfAChatCostsItsMessageAndOneToken(int answerTokens) {
    Scheduler scheduler = caching(16, 512);
    int[] chat = prompt(1, 40);
    Generation turn = run(scheduler, chat, answerTokens);
    for (int message = 2; message < 6; message++) {
      chat = join(chat, ids(read(turn).getFirst()), prompt(message, 5));
      turn = run(scheduler, chat, answerTokens);
      assertTokens(6, chat.length - 6, turn);
    }
  }

  @Test
  void anAnswerThatComesBackAsOtherIdsCostsNothingOfThePromptBeforeIt() {
    Scheduler scheduler = caching(16, 512);
    run(scheduler, prompt(1, 40), 7);
    assertTokens(12, 40, run(scheduler, join(prompt(1, 40), prompt(2, 12)), 1));
  }

  @Test
  void aStateIsKeptAfterEachChunkWhereverStepsCutThePrompt() {
    Scheduler scheduler = caching(7, 16);
    run(scheduler, prompt(1, 100), 1);
    for (int common : new int[] {15, 16, 17, 47, 48, 95, 96}) {
      Generation other = run(scheduler, join(prompt(1, common), prompt(common, 9)), 1);
      assertTokens(common % 16 + 9, common / 16 * 16, other);
    }
  }

  @Test
  void whereASecondPromptLeftAThirdOneGoesOn() {
    Scheduler scheduler = caching(128, 512);
    run(scheduler, prompt(1, 100), 1);
    assertTokens(90, 0, run(scheduler, join(prompt(1, 70), prompt(2, 20)), 1));
    assertTokens(20, 70, run(scheduler, join(prompt(1, 70), prompt(3, 20)), 1));
  }

  @Test
  void saltsDoNotShare() {
    Scheduler scheduler = caching(128, 16);
    List<Generation> generations = new ArrayList<>();
    for (String salt : List.of("", "a", "b", "a")) {
      generations.add(scheduler.submit(List.of(request(prompt(1, 40), 1, 1, salt, Logprobs.NONE))));
      runAll(scheduler);
    }
    assertEquals(
        List.of(0, 0, 0, 39),
        generations.stream().map(generation -> generation.account().cachedTokens()).toList());
  }

  @Test
  void promptLogprobsTakeNoHitButLeaveStates() {
    Scheduler scheduler = caching(32, 16);
    SequenceRequest wanted = request(prompt(1, 40), 1, 3, "", OF_PROMPT);
    Generation first = scheduler.submit(List.of(wanted));
    runAll(scheduler);
    Generation second = scheduler.submit(List.of(wanted));
    runAll(scheduler);
    assertTokens(40, 0, second);
    List<AnswerDelta> answer = read(second);
    assertEquals(39, answer.getFirst().prompt().size());
    assertEquals(read(first), answer);
    assertEquals(alone(wanted), answer);
    assertTokens(1, 39, run(scheduler, prompt(1, 40), 1));
  }

  @Test
  void theReportTellsWhatBeganAndWhatOfItWasThere() {
    Scheduler scheduler = caching(32, 512);
    run(scheduler, prompt(1, 40), 1);
    run(scheduler, prompt(1, 45), 1);
    scheduler.submit(List.of(request(prompt(1, 40), 1, 0, "", OF_PROMPT)));
    runAll(scheduler);
    assertEquals(
        List.of(40, 0, 45, 0, 0), steps.stream().map(Step::begunPromptTokens).toList(), "begun");
    assertEquals(
        List.of(0, 0, 40, 0, 0), steps.stream().map(Step::begunCachedTokens).toList(), "cached");
  }

  @Test
  void whatACancelledPrefillRanIsNotLost() {
    Scheduler scheduler = caching(32, 512);
    Generation left = submit(scheduler, prompt(1, 100), 1);
    step(scheduler, 2);
    left.cancel();
    runAll(scheduler);
    assertTokens(36, 64, run(scheduler, prompt(1, 100), 1));
    assertEquals(100, rowsRun());
  }

  @Test
  void whatACancelledAnswerRanIsNotLost() {
    Scheduler scheduler = caching(128, 512);
    Generation left = submit(scheduler, prompt(1, 40), 100);
    step(scheduler, 5);
    int[] said = ids(read(left).getFirst());
    left.cancel();
    runAll(scheduler);
    assertTokens(2, 44, run(scheduler, join(prompt(1, 40), said, prompt(2, 1)), 1));
  }

  @Test
  void withoutACacheNothingIsKept() {
    Scheduler scheduler = scheduler(Schedulers.limits(8, 8, 32));
    run(scheduler, prompt(1, 40), 3);
    assertTokens(40, 0, run(scheduler, prompt(1, 40), 3));
    assertEquals(0, model.liveSnapshots());
  }

  /** Prompts that begin alike, in all the ways that prompts do. */
  private static int[] familiar(SplittableRandom random) {
    int[] common = prompt(1 + random.nextInt(2), random.nextInt(1, 60));
    return join(common, prompt(random.nextInt(20), random.nextInt(20)));
  }

  @Test
  void answersWithHitsEqualThoseWithoutBitByBit() {
    Seeded.check(
        4,
        random -> {
          model = FakeModel.random();
          Scheduler scheduler = caching(random.nextInt(4, 40), random.nextInt(5, 50));
          List<SequenceRequest> requests = new ArrayList<>();
          List<Generation> generations = new ArrayList<>();
          for (int i = 0; i < 40; i++) {
            SequenceRequest next =
                request(familiar(random), random.nextInt(1, 4), random.nextInt(6));
            requests.add(next);
            generations.add(scheduler.submit(List.of(next)));
            for (int s = random.nextInt(3); s > 0; s--) {
              scheduler.step();
            }
          }
          runAll(scheduler);
          int cached = 0;
          for (int i = 0; i < requests.size(); i++) {
            cached += generations.get(i).account().cachedTokens();
            assertEquals(alone(requests.get(i)), read(generations.get(i)), "request " + i);
          }
          assertTrue(cached > 300, "only " + cached + " tokens were there");
          assertAtRest(scheduler);
        });
  }

  @Test
  void aTinyCacheEvictsAndLeaksNothing() {
    Seeded.check(
        4,
        random -> {
          model = FakeModel.random();
          int snapshots = random.nextInt(1, 6);
          long cacheBytes = snapshots * (FakeModel.SNAPSHOT_BYTES + 1_000L);
          Scheduler scheduler = scheduler(Schedulers.limits(8, 1_000, 16, cacheBytes, 9));
          List<Generation> generations = new ArrayList<>();
          for (int i = 0; i < 60; i++) {
            generations.add(
                scheduler.submit(List.of(request(familiar(random), random.nextInt(1, 3), 3))));
            if (random.nextInt(4) == 0) {
              generations.get(random.nextInt(generations.size())).cancel();
            }
            scheduler.step();
            assertEquals(scheduler.cache().snapshots(), model.liveSnapshots());
            assertTrue(scheduler.cacheBytes() <= cacheBytes);
          }
          runAll(scheduler);
          assertTrue(scheduler.cache().evictions() > 10);
          assertAtRest(scheduler);
          scheduler.cache().clear();
          assertEquals(0, model.liveSnapshots());
        });
  }

  @Test
  void aCacheTooSmallForOneSnapshotOnlyCostsItsHits() {
    Scheduler scheduler = scheduler(Schedulers.limits(8, 8, 32, FakeModel.SNAPSHOT_BYTES, 16));
    SequenceRequest request = request(prompt(1, 40), 1, 2);
    Generation first = scheduler.submit(List.of(request));
    Generation second = scheduler.submit(List.of(request));
    runAll(scheduler);
    assertTokens(40, 0, second);
    assertEquals(alone(request), read(second));
    assertEquals(read(first), alone(request));
    assertAtRest(scheduler);
  }

  @Test
  void noPrefillIsCutToTakeASnapshot() {
    Scheduler scheduler = caching(100, 8);
    run(scheduler, prompt(1, 250), 1);
    assertEquals(List.of(100, 100, 50), model.rowsOfCalls());
    int[] all = model.tokensOfStates().getFirst().stream().mapToInt(id -> id).toArray();
    assertArrayEquals(prompt(1, 250), all);
    assertEquals(250 / 8 + 2, model.liveSnapshots(), "chunks, before the last token, and after it");
  }
}
