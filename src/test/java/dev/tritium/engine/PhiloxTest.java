package dev.tritium.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PhiloxTest {
  @Test
  void blocksAreThoseOfRandom123() { // kat_vectors, philox4x32 10
    assertArrayEquals(
        new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, Philox.block(0, 0, 0, 0, 0, 0));
    assertArrayEquals(
        new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        Philox.block(-1, -1, -1, -1, -1, -1));
    assertArrayEquals(
        new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
        Philox.block(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0));
  }

  @Test
  void numbersAreTheSameOnEveryMachine() {
    double[] numbers = {
      Philox.uniform(0, 0, 0),
      Philox.uniform(42, 0, 0),
      Philox.uniform(42, 0, 1),
      Philox.uniform(42, 1, 0),
      Philox.uniform(-1, 3, 1L << 40)
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
      double number = Philox.uniform(7, 0, step);
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
      numbers.add(Philox.uniform(bit, 0, 0));
      numbers.add(Philox.uniform(0, 0, bit));
    }
    for (int bit = 1; bit != 0; bit <<= 1) {
      numbers.add(Philox.uniform(0, bit, 0));
    }
    assertEquals(160, numbers.size());
  }
}
