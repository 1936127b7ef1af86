package dev.tritium.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tritium.model.HgrnBit;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void shapesHaveTheParametersOfThePublishedModels() {
    assertEquals(374_108_160, parameters("370m"));
    assertEquals(1_364_779_008, parameters("1.3b"));
    assertEquals(2_702_357_504L, parameters("2.7B"));
  }

  private static long parameters(String label) {
    return HgrnBit.FAMILY.describe(Shape.of(label).config(), Set.of()).parameters();
  }
}
