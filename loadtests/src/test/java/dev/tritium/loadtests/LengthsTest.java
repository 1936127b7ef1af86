package dev.tritium.loadtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LengthsTest {
  @ParameterizedTest
  @CsvSource({
    "0, 2, 7",
    "0.1, 207, 54",
    "0.5, 1020, 129",
    "0.9, 2734, 424",
    "0.99, 4142, 601",
    "1, 14050, 1000"
  })
  void theQuantilesAreThoseOfTheTrace(double share, int prompt, int answer) {
    assertEquals(prompt, Lengths.PROMPTS.at(share));
    assertEquals(answer, Lengths.ANSWERS.at(share));
  }

  @Test
  void betweenQuantilesItIsLinear() {
    assertEquals(1_105, Lengths.PROMPTS.at(0.625)); // (1020 + 1189) / 2
  }

  @Test
  void whatIsDrawnHasItsMean() {
    // Of the trace itself: 1,155 and 211; straight lines between its quantiles make 1,229 and 218.
    assertEquals(1_229, mean(Lengths.PROMPTS), 20);
    assertEquals(218, mean(Lengths.ANSWERS), 3);
  }

  private static double mean(Lengths lengths) {
    SplittableRandom random = new SplittableRandom(1);
    int[] drawn = new int[100_000];
    Arrays.setAll(drawn, i -> lengths.draw(random));
    assertTrue(Arrays.stream(drawn).min().orElseThrow() >= lengths.at(0));
    return Arrays.stream(drawn).average().orElseThrow();
  }
}
