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
            finder.accept(piece, text);
            assertTrue(expected.startsWith(text.toString()), () -> inputs + " gave " + text);
          }
          assertEquals(expected.length() < whole.length(), finder.found(), inputs);
          finder.finish(text);
          assertEquals(expected, text.toString(), inputs);
          assertEquals("", finish(finder), inputs);
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
    assertEquals("one", accept(finder, "one\n"));
    assertEquals("\ntwo", accept(finder, "two"));
    assertEquals("", accept(finder, "\n"));
    assertEquals("\n", accept(finder, "\n\n"));
    assertEquals("", accept(finder, "User"));
    assertEquals("\n\nUser ", accept(finder, " EN"));
    assertFalse(finder.found());
    assertEquals("EN", finish(finder));
  }

  @Test
  void nothingIsHeldBackWithoutStopStrings() {
    StopStrings finder = new StopStrings(List.of());
    assertEquals("text", accept(finder, "text"));
    assertEquals("", finish(finder));
  }

  @Test
  void nothingComesAfterTheStopString() {
    StopStrings finder = new StopStrings(List.of("END"));
    assertEquals("a", accept(finder, "aENDb"));
    assertTrue(finder.found());
    assertEquals("", accept(finder, "more"));
    assertEquals("", finish(finder));
  }

  private static String accept(StopStrings finder, String piece) {
    StringBuilder text = new StringBuilder();
    finder.accept(piece, text);
    return text.toString();
  }

  private static String finish(StopStrings finder) {
    StringBuilder text = new StringBuilder();
    finder.finish(text);
    return text.toString();
  }
}
