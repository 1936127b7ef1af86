package dev.tritium.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class Utf8Test {
  @Test
  void everyCharacterIsReadAndEveryCutIsUnfinished() {
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        continue;
      }
      String text = Character.toString(c);
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      assertTrue(Utf8.isValid(bytes, bytes.length));
      assertEquals(text, lossy(bytes, bytes.length));
      assertEquals(0, Utf8.unfinished(bytes, bytes.length));
      for (int cut = 1; cut < bytes.length; cut++) {
        assertEquals(cut, Utf8.unfinished(bytes, cut), text);
        assertEquals("\uFFFD", lossy(bytes, cut), "a maximal part is one U+FFFD");
      }
    }
  }

  @Test
  void badBytesAreReplacedAsRustDoes() {
    assertLossy("\uFFFD\uFFFD\uFFFD", 0xED, 0xA0, 0x80); // a surrogate: one in Java's own decoder
    assertLossy("\uFFFD\uFFFD", 0xC0, 0x80);
    assertLossy("\uFFFD\uFFFD", 0xE0, 0x80);
    assertLossy("\uFFFDa", 0xF0, 0x9F, 'a');
    assertLossy("\uFFFD\uFFFD\uFFFD\uFFFD", 0xF4, 0x90, 0x80, 0x80);
    assertLossy("\uFFFD\uFFFDé", 0x80, 0xFF, 0xC3, 0xA9);
  }

  private static void assertLossy(String expected, int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) values[i];
    }
    assertEquals(expected, lossy(bytes, bytes.length));
  }

  private static String lossy(byte[] bytes, int count) {
    StringBuilder text = new StringBuilder();
    Utf8.appendLossy(bytes, count, text);
    return text.toString();
  }
}
