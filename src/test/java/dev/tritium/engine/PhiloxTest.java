package dev.tritium.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PhiloxTest {
  private final Philox philox = new Philox();

  private static int[] block(int c0, int c1, int c2, int c3, int k0, int k1) {
    int[] words = new int[4];
    Philox.block(c0, c1, c2, c3, k0, k1, words);
    return words;
  }

  @Test
  void blocksAreThoseOfRandom123() { // kat_vectors, philox4x32 10
    assertArrayEquals(
        new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, block(0, 0, 0, 0, 0, 0));
    assertArrayEquals(
        new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}, block(-1, -1, -1, -1, -1, -1));
    assertArrayEquals(
        new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
        block(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0));
  }

  @Test
  void numbersAreTheSameOnEveryMachine() {
    double[] numbers = {
      philox.uniform(0, 0, 0),
      philox.uniform(42, 0, 0),
      philox.uniform(42, 0, 1),
      philox.uniform(42, 1, 0),
      philox.uniform(-1, 3, 1L << 40)
    };
    // Made by another program; the first is (0x6627e8d5e169c58d >>> 11) * 2^-53.
    assertArrayEquals(
        new double[] {
          0.3990464708489645,
          0.6129598811894158,
          0.9877186509145105,
          0.01005884472426255,
          0.031276435920603696
        },
        numbers,
        0);
  }

  @Test
  void numbersAreUniform() {
    int draws = 200_000;
    int[] tenths = new int[10];
    double sum = 0;
    double squares = 0;
    for (int step = 0; step < draws; step++) {
      double number = philox.uniform(7, 0, step);
      assertTrue(number >= 0 && number < 1, "step " + step + ": " + number);
      tenths[(int) (10 * number)]++;
      sum += number;
      squares += number * number;
    }
    double mean = sum / draws;
    assertEquals(0.5, mean, 0.003);
    assertEquals(1 / 12.0, squares / draws - mean * mean, 0.001);
    for (int tenth = 0; tenth < 10; tenth++) {
      assertEquals(draws / 10.0, tenths[tenth], 700, "numbers from " + tenth / 10.0);
    }
  }

  @Test
  void everyPartOfKeyAndCounterCounts() {
    Set<Double> numbers = new HashSet<>();
    for (long bit = 1; bit != 0; bit <<= 1) {
      numbers.add(philox.uniform(bit, 0, 0));
      numbers.add(philox.uniform(0, 0, bit));
    }
    for (int bit = 1; bit != 0; bit <<= 1) {
      numbers.add(philox.uniform(0, bit, 0));
    }
    assertEquals(160, numbers.size());
  }
}
