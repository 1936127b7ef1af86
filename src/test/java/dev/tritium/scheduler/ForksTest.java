package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.FinishReason;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.engine.StopRules;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Several answers to one prompt: one prefill, then a sequence each. */
class ForksTest extends ByHand {
  private final Scheduler scheduler = scheduler(Schedulers.limits(8, 8, 32));

  /** The same prompt as one whose answers begin at another choice. */
  private static SequenceRequest from(int choice, SequenceRequest r) {
    return new SequenceRequest(
        r.prompt(), choice, r.answers(), r.cacheSalt(), r.sampling(), r.stop(), r.logprobs());
  }

  @Test
  void allAnswersTakeOnePrefill() {
    SequenceRequest request = request(prompt(1, 70), 4, 5);
    Generation generation = scheduler.submit(List.of(request));
    runAll(scheduler);
    assertEquals(List.of(32, 32, 6, 4, 4, 4, 4), model.rowsOfCalls());
    assertEquals(4, steps.get(2).drawn(), "the first token of each");
    assertEquals(alone(request), read(generation));
    assertEquals(70, generation.account().promptTokens());
    assertEquals(70, generation.account().prefilledTokens());
    assertEquals(20, generation.account().answerTokens());
    assertAtRest(scheduler);
  }

  @Test
  void theirAnswersDiffer() {
    Generation generation = scheduler.submit(List.of(request(prompt(1, 9), 8, 5)));
    runAll(scheduler);
    assertEquals(
        8, read(generation).stream().map(AnswerDelta::tokens).distinct().count(), "of 8 answers");
  }

  @Test
  void theirPlacesAreReservedFromTheBeginningAndFreedOneByOne() {
    Set<Integer> half = IntStream.range(0, 2_048).boxed().collect(Collectors.toSet());
    SequenceRequest plain = request(prompt(1, 70), 7, 9);
    SequenceRequest request =
        new SequenceRequest(
            plain.prompt(),
            0,
            7,
            "",
            plain.sampling(),
            new StopRules(9, 0, List.of(), half), // ends
            Logprobs.NONE);
    Generation generation = scheduler.submit(List.of(request));
    Generation waits = scheduler.submit(List.of(request(prompt(2, 3), 4, 2)));
    List<List<AnswerDelta>> polls = new ArrayList<>();
    Set<Integer> counts = new TreeSet<>();
    while (scheduler.step()) {
      polls.add(generation.poll());
      long ended = polls.stream().flatMap(List::stream).filter(d -> d.finish() != null).count();
      if (waits.account().prefilledTokens() == 0) {
        assertEquals(7 - ended, scheduler.runningCount());
        counts.add(scheduler.runningCount());
      } else {
        assertTrue(ended >= 3, "4 places are free");
      }
    }
    assertTrue(counts.size() > 2, "they end one by one: " + counts);
    assertEquals(alone(request), join(polls));
    assertAtRest(scheduler);
  }

  @Test
  void thePromptsLogprobsComeWithTheFirstAnswerAlone() {
    SequenceRequest request = request(prompt(1, 40), 3, 2, "", new Logprobs(1, true, true));
    Generation generation = scheduler.submit(List.of(request));
    runAll(scheduler);
    List<AnswerDelta> answers = read(generation);
    assertEquals(List.of(39, 0, 0), answers.stream().map(a -> a.prompt().size()).toList());
    assertEquals(alone(request), answers);
  }

  @Test
  void answersOfNoTokensEndWithThePrompt() {
    Generation generation = scheduler.submit(List.of(request(prompt(1, 40), 3, 0)));
    runAll(scheduler);
    assertEquals(
        IntStream.range(0, 3)
            .mapToObj(k -> new AnswerDelta(k, List.of(), "", List.of(), FinishReason.LENGTH))
            .toList(),
        read(generation));
    assertTrue(generation.isDone());
    assertEquals(40, rowsRun());
  }

  @Test
  void severalPromptsWithSeveralAnswersAreNumberedThrough() {
    List<SequenceRequest> prompts =
        List.of(
            request(prompt(1, 40), 2, 3),
            from(2, request(prompt(2, 5), 3, 4)),
            from(5, request(prompt(1, 60), 1, 2)));
    Generation generation = scheduler.submit(prompts);
    runAll(scheduler);
    List<AnswerDelta> answers = read(generation);
    assertEquals(List.of(0, 1, 2, 3, 4, 5), answers.stream().map(AnswerDelta::choice).toList());
    assertEquals(alone(prompts.toArray(SequenceRequest[]::new)), answers);
    assertEquals(105, generation.account().promptTokens());
  }

  @Test
  void promptsWhoseChoicesOverlapAreRefused() {
    List<SequenceRequest> overlapping =
        List.of(request(prompt(1, 4), 2, 3), from(1, request(prompt(2, 5), 1, 3)));
    assertThrows(IllegalArgumentException.class, () -> scheduler.submit(overlapping));
    assertAtRest(scheduler);
  }

  @Test
  void theyForkFromACachedPromptToo() {
    Scheduler caching = caching(32, 512);
    run(caching, prompt(1, 40), 1);
    SequenceRequest request = request(prompt(1, 40), 3, 4);
    Generation generation = caching.submit(List.of(request));
    runAll(caching);
    assertEquals(1, generation.account().prefilledTokens());
    assertEquals(39, generation.account().cachedTokens());
    assertEquals(alone(request), read(generation));
  }

  @Test
  void eachAnswersEndIsKeptForItsNextTurn() {
    Scheduler caching = caching(32, 512);
    Generation generation = caching.submit(List.of(request(prompt(1, 40), 3, 4)));
    runAll(caching);
    for (AnswerDelta answer : read(generation)) {
      int[] next = join(prompt(1, 40), ids(answer), prompt(answer.choice(), 3));
      assertEquals(4, run(caching, next, 1).account().prefilledTokens());
    }
  }
}
