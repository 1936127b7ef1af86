package dev.tritium.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Seeded;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TokenizerTest {
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
  void aTextComesBack() {
    Seeded.check(
        300,
        random -> {
          String text = Samples.text(random);
          boolean special = random.nextBoolean();
          for (Tokenizer tokenizer : List.of(byteFallback, byteLevel)) {
            // The piece U+2581 means a space in one of them.
            String expected = tokenizer == byteFallback ? text.replace('▁', ' ') : text;
            assertEquals(expected, tokenizer.decode(tokenizer.encode(text, special)));
          }
        });
  }

  @Test
  void specialTokensAreAddedOnRequestOnly() {
    assertArrayEquals(new int[] {1}, byteFallback.encode("", true));
    assertArrayEquals(new int[] {}, byteFallback.encode("", false));
    int[] plain = byteFallback.encode("Once upon a time", false);
    int[] withBos = byteFallback.encode("Once upon a time", true);
    assertEquals(1, withBos[0]);
    assertArrayEquals(plain, Arrays.copyOfRange(withBos, 1, withBos.length));
  }

  @Test
  void theTextOfASpecialTokenBecomesThatToken() {
    int[] ids = byteFallback.encode("a</s>", false);
    assertEquals(2, ids[ids.length - 1]);
    assertEquals("a", byteFallback.decode(ids));
  }

  @Test
  void aLongTextIsNeitherTruncatedNorPadded() {
    for (Tokenizer tokenizer : List.of(byteFallback, byteLevel)) {
      String text = "Q7#" + "zq7#".repeat(2_500);
      int[] ids = tokenizer.encode(text, false);
      assertTrue(ids.length >= 5_000, () -> ids.length + " tokens");
      assertEquals(text, tokenizer.decode(ids));
      int[] shortText = tokenizer.encode("q", true);
      assertTrue(shortText.length <= 3, () -> Arrays.toString(shortText));
    }
  }

  @Test
  void loneSurrogatesAreRefusedWithTheirPosition() {
    for (String text : List.of("ab\uD83D", "ab\uD83Dc", "ab\uDE00", "ab\uDE00\uD83D")) {
      var e = assertThrows(InvalidTextException.class, () -> byteFallback.encode(text, true));
      assertTrue(e.toString().contains("position 2"), e.toString());
    }
    assertEquals("ab😀", byteFallback.decode(byteFallback.encode("ab😀", true)));
  }

  @Test
  void pieceBytesJoinToTheText() {
    Seeded.check(
        300,
        random -> {
          String text = Samples.text(random);
          String spaced = text.isEmpty() ? "" : " " + text.replace('▁', ' ');
          assertEquals(spaced, joined(byteFallback, byteFallback.encode(text, false)));
          assertEquals(text, joined(byteLevel, byteLevel.encode(text, false)));
        });
  }

  private static String joined(Tokenizer tokenizer, int[] ids) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int id : ids) {
      bytes.writeBytes(tokenizer.pieceBytes(id));
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void everyPieceHasTheBytesThatTheLibraryDecodes() {
    int anchor = byteFallback.encode("a", false)[0];
    String before = byteFallback.decode(new int[] {anchor});
    int checked = 0;
    for (int id = 0; id < byteFallback.size(); id++) {
      byte[] bytes = byteFallback.pieceBytes(id);
      assertTrue(bytes.length > 0 && bytes.length <= byteFallback.longestPieceBytes());
      if (!byteFallback.isSpecial(id) && Utf8.isValid(bytes, bytes.length)) {
        String piece = byteFallback.decode(new int[] {anchor, id}).substring(before.length());
        assertEquals(piece, new String(bytes, StandardCharsets.UTF_8), "id " + id);
        checked++;
      }
    }
    assertEquals(4_096, byteFallback.size());
    assertEquals(4_096 - 3 - 128, checked, "all but the special ones and the bytes from 0x80");
  }

  @Test
  void byteTokensAreTheirBytes() {
    for (int b = 0; b < 256; b++) {
      assertArrayEquals(new byte[] {(byte) b}, byteFallback.pieceBytes(3 + b));
      assertArrayEquals(new byte[] {(byte) b}, byteLevel.pieceBytes(b));
    }
  }

  @Test
  void specialAndUnknownIdsShowButDecodeToNothing() {
    assertEquals("</s>", byteFallback.pieceText(2));
    assertTrue(byteFallback.isSpecial(2));
    assertFalse(byteFallback.isSpecial(3));
    for (int unknown : new int[] {-1, 4_096, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      assertEquals(0, byteFallback.pieceBytes(unknown).length);
      assertEquals("", byteFallback.pieceText(unknown));
      assertFalse(byteFallback.isSpecial(unknown));
      assertEquals("", byteFallback.decode(new int[] {1, unknown, 2}));
    }
    assertEquals("<tool call>", byteLevel.pieceText(268));
    assertEquals("<tool call>", byteLevel.decode(new int[] {266, 268}), "added, not special");
  }

  @Test
  void bytesThatAreNoTextShowAsOpenAiShowsThem() {
    assertEquals("bytes:\\xe2", byteFallback.pieceText(3 + 0xE2));
    assertEquals("bytes:\\xf0\\x9f\\x98", byteLevel.pieceText(260));
    assertEquals("{", byteFallback.pieceText(3 + '{'));
  }

  @Test
  void pieceBytesAreACopy() {
    byte[] before = byteFallback.pieceBytes(300);
    byte[] mine = byteFallback.pieceBytes(300);
    mine[0] ^= 1;
    assertArrayEquals(before, byteFallback.pieceBytes(300));
  }

  @Test
  void threadsShareIt() {
    int[] expected = byteFallback.encode("The quick brown fox 😀", true);
    IntStream.range(0, 2_000)
        .parallel()
        .forEach(
            i -> assertArrayEquals(expected, byteFallback.encode("The quick brown fox 😀", true)));
  }

  @Test
  void theLibraryIsToldToStayOffTheNetwork() {
    assertEquals("true", setting("OPT_OUT_TRACKING"));
    assertEquals("cpu", setting("RUST_FLAVOR"), "a CUDA build would be downloaded");
    assertTrue(Files.isDirectory(Path.of(setting("DJL_CACHE_DIR"), "tokenizers")));
  }

  private static String setting(String name) {
    String chosen = System.getenv(name);
    return chosen == null ? System.getProperty(name, "") : chosen;
  }

  @Test
  void aClosedOneSaysSo() {
    Tokenizer tokenizer = Tokenizer.open(Samples.BYTE_LEVEL);
    tokenizer.close();
    tokenizer.close();
    assertThrows(IllegalStateException.class, () -> tokenizer.encode("a", true));
    assertThrows(IllegalStateException.class, () -> tokenizer.decode(new int[] {1}));
  }

  @Test
  void aBrokenFileIsNamed(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("tokenizer.json");
    assertRefused(folder, "missing");
    Files.writeString(file, "{\"model\": ");
    assertRefused(folder, "is not JSON");
    Files.writeString(file, "{}");
    assertRefused(folder, "no model.vocab");
    Files.write(file, new byte[] {'"', (byte) 0xFF, '"'});
    assertRefused(folder, "cannot be read");
    String good = Files.readString(Samples.BYTE_LEVEL.resolve("tokenizer.json"));
    Files.writeString(file, good.replace("\"id\": 268", "\"id\": 2000000000"));
    assertRefused(folder, "2000000000");
    Files.writeString(file, good.replace("\"type\": \"BPE\"", "\"type\": \"Nonsense\""));
    assertRefused(folder, "cannot be used");
    int decoder = good.indexOf("\"decoder\"");
    Files.writeString(
        file,
        good.substring(0, decoder)
            + good.substring(decoder).replaceFirst("\"ByteLevel\"", "\"WordPiece\""));
    assertRefused(folder, "WordPiece");
  }

  private static void assertRefused(Path folder, String reason) {
    var e = assertThrows(TokenizerException.class, () -> Tokenizer.open(folder));
    assertTrue(e.toString().contains("tokenizer.json"), e.toString());
    assertTrue(e.toString().contains(reason), e.toString());
  }
}
