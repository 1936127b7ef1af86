package dev.tritium.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.tritium.testing.Seeded;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class IncrementalDecoderTest {
  private static final int BYTE_0 = 3; // the first byte token of the byte-fallback tokenizer

  private static Tokenizer byteFallback;
  private static Tokenizer byteLevel;

  @BeforeAll
  static void open() {
    byteFallback = Tokenizer.open(Samples.BYTE_FALLBACK);
    byteLevel = Tokenizer.open(Samples.BYTE_LEVEL);
  }

  @AfterAll
  static void close() {
    byteFallback.close();
    byteLevel.close();
  }

  @Test
  void theTextIsWhatDecodingEverythingAddsToThePrompt() {
    Seeded.check(
        20_000,
        random -> {
          for (Tokenizer tokenizer : List.of(byteFallback, byteLevel)) {
            int[] prompt = Samples.ids(tokenizer, random);
            int[] answer = Samples.ids(tokenizer, random);
            assertExact(tokenizer, prompt, answer);
          }
        });
  }

  @Test
  void aTextCutAnywhereIsExact() {
    Seeded.check(
        500,
        random -> {
          for (Tokenizer tokenizer : List.of(byteFallback, byteLevel)) {
            int[] ids = tokenizer.encode(Samples.text(random), random.nextBoolean());
            for (int cut = 0; cut <= ids.length; cut++) {
              assertExact(
                  tokenizer, Arrays.copyOf(ids, cut), Arrays.copyOfRange(ids, cut, ids.length));
            }
          }
        });
  }

  private static void assertExact(Tokenizer tokenizer, int[] prompt, int[] answer) {
    IncrementalDecoder decoder = IncrementalDecoder.start(tokenizer, prompt);
    StringBuilder text = new StringBuilder();
    for (int id : answer) {
      decoder.accept(id, text);
    }
    decoder.finish(text);
    assertEquals(
        expected(tokenizer, prompt, answer),
        text.toString(),
        () -> "prompt %s, answer %s".formatted(Arrays.toString(prompt), Arrays.toString(answer)));
  }

  /** The definition, made by the library: what decode(all) has after the prefix both share. */
  private static String expected(Tokenizer tokenizer, int[] prompt, int[] answer) {
    int[] before = tokenizer.decode(prompt).codePoints().toArray();
    int[] all = tokenizer.decode(concat(prompt, answer)).codePoints().toArray();
    int same = Arrays.mismatch(before, all);
    return new String(
        all, same < 0 ? all.length : same, all.length - (same < 0 ? all.length : same));
  }

  private static int[] concat(int[] a, int[] b) {
    return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
  }

  @Test
  void theSpaceAfterThePromptStays() {
    int[] prompt = byteFallback.encode("Once upon", true);
    int[] all = byteFallback.encode("Once upon a time", true);
    IncrementalDecoder decoder = IncrementalDecoder.start(byteFallback, prompt);
    StringBuilder text = new StringBuilder();
    for (int id : Arrays.copyOfRange(all, prompt.length, all.length)) {
      decoder.accept(id, text);
    }
    assertEquals(" a time", text.toString(), "and nothing of it is held back");
  }

  @Test
  void aRunOfBytesWaitsForItsEnd() {
    IncrementalDecoder decoder =
        IncrementalDecoder.start(byteFallback, byteFallback.encode("a", true));
    for (int b : new int[] {0xF0, 0x9F, 0x98, 0x80}) {
      assertEquals("", accept(decoder, BYTE_0 + b));
    }
    assertEquals("", accept(decoder, 2), "a special token does not end it");
    IncrementalDecoder broken = decoder.fork();
    int next = byteFallback.encode("b", false)[0];
    assertEquals("😀", finish(decoder));
    String tail = byteFallback.decode(new int[] {byteFallback.encode("a", false)[0], next});
    assertEquals("😀" + tail.substring(1), accept(decoder, next));
    accept(broken, BYTE_0 + 0xFF);
    assertEquals("\uFFFD".repeat(5), finish(broken));
  }

  @Test
  void byteLevelTextIsOutAsSoonAsItsCharacterIsWhole() {
    IncrementalDecoder decoder = IncrementalDecoder.start(byteLevel, new int[] {'a', 0xF0});
    assertEquals("", accept(decoder, 0x9F));
    assertEquals("", accept(decoder, 0x98));
    assertEquals("😀", accept(decoder, 0x80));
    assertEquals("b", accept(decoder, 'b'));
    assertEquals("", finish(decoder));
  }

  @Test
  void finishingChangesNothing() {
    IncrementalDecoder decoder = IncrementalDecoder.start(byteLevel, new int[] {'a'});
    accept(decoder, 0xC3);
    assertEquals("\uFFFD", finish(decoder));
    assertEquals("\uFFFD", finish(decoder));
    assertEquals("é", accept(decoder, 0xA9));
  }

  @Test
  void forksGoTheirOwnWays() {
    Seeded.check(
        500,
        random -> {
          for (Tokenizer tokenizer : List.of(byteFallback, byteLevel)) {
            int[] prompt = Samples.ids(tokenizer, random);
            int[] common = Samples.ids(tokenizer, random);
            IncrementalDecoder decoder = IncrementalDecoder.start(tokenizer, prompt);
            String before = accept(decoder, common);
            int[] left = Samples.ids(tokenizer, random);
            int[] right = Samples.ids(tokenizer, random);
            IncrementalDecoder fork = decoder.fork();
            String leftText = interleaved(decoder, left, fork, right, random);
            assertEquals(
                expected(tokenizer, prompt, concat(common, left)),
                before + leftText,
                () -> Arrays.toString(prompt) + Arrays.toString(common) + Arrays.toString(left));
          }
        });
  }

  private static String accept(IncrementalDecoder decoder, int... ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      decoder.accept(id, text);
    }
    return text.toString();
  }

  private static String finish(IncrementalDecoder decoder) {
    StringBuilder text = new StringBuilder();
    decoder.finish(text);
    return text.toString();
  }

  /** Feeds both, the fork in between, and returns the first one's text. */
  private static String interleaved(
      IncrementalDecoder decoder,
      int[] ids,
      IncrementalDecoder fork,
      int[] others,
      SplittableRandom random) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      if (others.length > 0) {
        fork.accept(others[random.nextInt(others.length)], new StringBuilder());
      }
      decoder.accept(id, text);
    }
    decoder.finish(text);
    return text.toString();
  }

  @Test
  void theSamplesReachTheHardCases() {
    SplittableRandom random = new SplittableRandom(1);
    int replaced = 0;
    int shrunk = 0;
    for (int i = 0; i < 5_000; i++) {
      int[] prompt = Samples.ids(byteFallback, random);
      int[] answer = Samples.ids(byteFallback, random);
      String before = byteFallback.decode(prompt);
      String all = byteFallback.decode(concat(prompt, answer));
      replaced += all.contains("\uFFFD") ? 1 : 0;
      shrunk += all.startsWith(before) ? 0 : 1;
    }
    assertFalse(replaced < 500, "texts with bad bytes: " + replaced);
    assertFalse(shrunk < 50, "prompts whose end the answer changes: " + shrunk);
  }
}
