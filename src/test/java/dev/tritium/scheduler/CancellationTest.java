package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta;
import dev.tritium.engine.RequestAccount;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each request of some mixes leaves before and within each step; the others do not notice. */
class CancellationTest extends Disturbed {

  @ParameterizedTest
  @MethodSource("mixes")
  void whoLeavesCostsAtMostTheStepThatRuns(Mix mix) {
    List<List<AnswerDelta>> expected = mix.expected();
    int length = length(mix);
    for (int victim = 0; victim < mix.arrivals().size(); victim++) {
      for (int at = mix.arrivals().get(victim).step(); at < length; at++) {
        for (boolean within : new boolean[] {false, true}) {
          String where =
              "%s: %d leaves %s step %d".formatted(mix, victim, within ? "in" : "before", at);
          int left = victim;
          Scheduler scheduler = fresh(mix);
          List<Client> clients =
              play(scheduler, mix, at, within, all -> all.get(left).generation.cancel());
          assertOthers(expected, clients, victim, where);
          assertGone(clients.get(victim), expected.get(victim), at + (within ? 1 : 0), where);
          RequestAccount account = clients.get(victim).generation.account();
          for (int step = 0; step < steps.size(); step++) {
            int abandoned = within && step == at ? rows.get(step).getOrDefault(account, 0) : 0;
            assertEquals(abandoned, steps.get(step).abandonedRows(), where + ", step " + step);
          }
          assertAtRest(scheduler);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("mixes")
  void whoseTimeIsOverIsEndedWithTheNextStep(Mix mix) {
    int length = length(mix);
    for (int victim = 0; victim < mix.arrivals().size(); victim++) {
      Mix first = firstComes(mix, victim);
      List<List<AnswerDelta>> expected = first.expected();
      for (int at = 0; at < length; at++) {
        for (boolean within : new boolean[] {false, true}) {
          String where =
              "%s: %d is late %s step %d".formatted(mix, victim, within ? "in" : "before", at);
          Scheduler scheduler = fresh(first);
          Client client = new Client(scheduler.submit(first.arrivals().getFirst().prompts()));
          clock.pass(TIMEOUT.dividedBy(2).plusNanos(1));
          Mix rest = new Mix("", 0, first.arrivals().subList(1, first.arrivals().size()));
          boolean[] done = new boolean[1];
          List<Client> others =
              play(
                  scheduler,
                  rest,
                  at,
                  within,
                  all -> {
                    client.poll();
                    done[0] = client.generation.isDone();
                    clock.pass(TIMEOUT.dividedBy(2));
                  });
          List<Client> clients = new ArrayList<>(List.of(client));
          clients.addAll(others);
          client.poll();
          client.poll(); // a failure comes after what was there before
          if (client.failure == null) {
            assertEquals(expected.getFirst(), client.answers(), where + ": it was done in time");
          } else {
            assertTrue(!done[0], where);
            assertInstanceOf(RequestTimeoutException.class, client.failure, where);
          }
          assertOthers(expected, clients, 0, where);
          assertGone(client, expected.getFirst(), at + (within ? 1 : 0), where);
          assertAtRest(scheduler);
        }
      }
    }
  }

  /** The mix with one of its requests before all others. */
  private static Mix firstComes(Mix mix, int first) {
    List<Arrival> arrivals = new ArrayList<>(mix.arrivals());
    arrivals.addFirst(new Arrival(0, arrivals.remove(first).prompts()));
    return new Mix(mix.name(), mix.cacheBytes(), arrivals);
  }

  private static void assertOthers(
      List<List<AnswerDelta>> expected, List<Client> clients, int victim, String where) {
    for (int c = 0; c < clients.size(); c++) {
      if (c != victim) {
        assertNull(clients.get(c).failure, where);
        assertEquals(expected.get(c), clients.get(c).answers(), where + ", client " + c);
        assertTrue(clients.get(c).generation.isDone(), where);
      }
    }
  }

  /** It was told the beginning of its answers, and had no rows from a step on. */
  private void assertGone(Client client, List<AnswerDelta> expected, int fromStep, String where) {
    for (AnswerDelta answer : client.answers()) {
      AnswerDelta whole =
          expected.stream().filter(e -> e.choice() == answer.choice()).findFirst().orElseThrow();
      assertEquals(whole.tokens().subList(0, answer.tokens().size()), answer.tokens(), where);
      assertTrue(whole.text().startsWith(answer.text()), where);
    }
    for (int step = fromStep; step < rows.size(); step++) {
      assertNull(rows.get(step).get(client.generation.account()), where + ", in step " + step);
    }
  }
}
