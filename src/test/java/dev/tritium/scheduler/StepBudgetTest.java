package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps that take a fixed time and a time for each row, both unknown to the budget. */
class StepBudgetTest {
  private static final int MAX_ROWS = 128;
  private static final double TARGET = 50_000; // us

  private final StepBudget budget = new StepBudget(MAX_ROWS, (long) (1_000 * TARGET));

  /** Runs so many steps; returns the rows of the last. */
  private int settle(int steps, int decodeRows, double fixed, double perRow) {
    int rows = 0;
    for (int i = 0; i < steps; i++) {
      rows = decodeRows + budget.promptRows(decodeRows);
      budget.ran(rows, (long) (1_000 * (fixed + rows * perRow)));
    }
    return rows;
  }

  @ParameterizedTest
  @CsvSource({
    // running answers, microseconds of a step, of a row
    "1, 100, 10", "8, 100, 10", "32, 100, 10",
    "1, 2000, 300", "8, 2000, 300", "32, 2000, 300",
    "1, 5000, 1000", "8, 5000, 1000", "32, 5000, 1000",
    "1, 25000, 500", "8, 25000, 500", "32, 25000, 500",
    "1, 10000, 5000", "8, 10000, 5000", "32, 10000, 5000",
    "1, 20000, 20000", "8, 20000, 20000", "32, 20000, 20000",
    "1, 80000, 100", "8, 80000, 100", "32, 80000, 100"
  })
  void stepsSettleAtTheWantedTimeOrAtTheLeastThatPromptsMustHave(
      int running, double fixed, double perRow) {
    int rows = settle(200, running, fixed, perRow);
    double most = Math.min(MAX_ROWS, (TARGET - fixed) / perRow);
    int least = running + Math.max(4, Math.ceilDiv(running, 2));
    if (most <= least) {
      assertEquals(least, rows);
    } else {
      assertTrue(rows <= most && rows >= 0.95 * most - 1, rows + " rows, " + most + " would fit");
    }
  }

  @Test
  void whereAnswersAloneTakeTooLongPromptsGetTheRowsThatCostLittleMore() {
    budget.ranAnswers((long) (1_000 * 60_200.0));
    assertEquals(MAX_ROWS, settle(200, 1, 60_000, 200));
  }

  @ParameterizedTest
  @ValueSource(doubles = {10, 100, 1_000, 5_000, 20_000})
  void withoutRunningAnswersStepsTakeFourTimesTheWantedTimeAtMost(double perRow) {
    int rows = settle(200, 0, 5_000, perRow);
    double most = Math.min(MAX_ROWS, (4 * TARGET - 5_000) / perRow);
    assertTrue(rows <= Math.max(4, most) && rows >= 0.95 * most - 1, rows + " of " + most);
  }

  @ParameterizedTest
  @ValueSource(doubles = {300, 1_000, 3_000})
  void theFirstStepBesideARunningAnswerIsTooLongByTheFixedTimeAtMost(double perRow) {
    double fixed = 20_000;
    settle(200, 0, fixed, perRow);
    int rows = settle(1, 1, fixed, perRow);
    assertTrue(fixed + rows * perRow <= TARGET + fixed, rows + " rows");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 8, 9, 11, 13, 31, 33, 64, 127})
  void promptsHaveAThirdOfTheRowsHoweverSlowTheyAre(int running) {
    settle(20, running, 1_000_000, 1_000_000);
    int rows = budget.promptRows(running);
    assertTrue(3 * rows >= rows + running, rows + " beside " + running);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void aStepOfFewRowsIsNotExceededByPromptsAlone(int maxRows) {
    assertEquals(maxRows, new StepBudget(maxRows, 1).promptRows(0));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 8, 32})
  void oneSlowStepIsForgotten(int running) {
    int before = settle(200, running, 1_000, 600);
    budget.ran(before, 3_000_000_000L);
    assertTrue(budget.promptRows(running) < before - running, "it is noticed");
    assertEquals(before, settle(200, running, 1_000, 600));
  }
}
