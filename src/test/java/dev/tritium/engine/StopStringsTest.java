package dev.tritium.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Seeded;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StopStringsTest {
  /** The definition: the text before the stop string that ends first, the longest such one. */
  private static String beforeStop(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      String seen = text.substring(0, end);
      int longest = stops.stream().filter(seen::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return text.substring(0, end - longest);
      }
    }
    return text;
  }

  @Test
  void theTextEndsBeforeTheFirstStopStringHoweverItIsCut() {
    Seeded.check(
        20_000,
        random -> {
          List<String> stops = new ArrayList<>();
          for (int n = random.nextInt(4); n >= 0; n--) {
            stops.add(letters(random, 1 + random.nextInt(5)));
          }
          List<String> pieces = new ArrayList<>();
          for (int n = random.nextInt(10); n > 0; n--) {
            pieces.add(letters(random, random.nextInt(5)));
          }
          String whole = String.join("", pieces);
          String expected = beforeStop(whole, stops);
          String inputs = "stops " + stops + ", pieces " + pieces;

          StopStrings finder = new StopStrings(stops);
          StringBuilder text = new StringBuilder();
          for (String piece : pieces) {
            text.append(finder.accept(piece));
            assertTrue(expected.startsWith(text.toString()), () -> inputs + " gave " + text);
          }
          assertEquals(expected.length() < whole.length(), finder.found(), inputs);
          text.append(finder.finish());
          assertEquals(expected, text.toString(), inputs);
          assertEquals("", finder.finish(), inputs);
        });
  }

  private static String letters(SplittableRandom random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(3)));
    }
    return text.toString();
  }

  @Test
  void noMoreIsHeldBackThanCouldBecomeAStopString() {
    StopStrings finder = new StopStrings(List.of("\n\nUser:", "END"));
    assertEquals("one", finder.accept("one\n"));
    assertEquals("\ntwo", finder.accept("two"));
    assertEquals("", finder.accept("\n"));
    assertEquals("\n", finder.accept("\n\n"));
    assertEquals("", finder.accept("User"));
    assertEquals("\n\nUser ", finder.accept(" EN"));
    assertFalse(finder.found());
    assertEquals("EN", finder.finish());
  }

  @Test
  void nothingIsHeldBackWithoutStopStrings() {
    StopStrings finder = new StopStrings(List.of());
    assertEquals("text", finder.accept("text"));
    assertEquals("", finder.finish());
  }

  @Test
  void nothingComesAfterTheStopString() {
    StopStrings finder = new StopStrings(List.of("END"));
    assertEquals("a", finder.accept("aENDb"));
    assertTrue(finder.found());
    assertEquals("", finder.accept("more"));
    assertEquals("", finder.finish());
  }
}
