package dev.tritium.tokenizer;

import java.nio.file.Path;
import java.util.SplittableRandom;

/** The tokenizers and texts that the tests of this room share. */
final class Samples {
  /** 4,096 pieces with byte fallback; a BOS is added. */
  static final Path BYTE_FALLBACK = Path.of("models", "tritium-stories-17m");

  /** The byte-level alphabet, ten merges, added tokens; asks for truncation and padding to 8. */
  static final Path BYTE_LEVEL = Path.of("src", "test", "resources", "tokenizer", "byte-level");

  private static final String[] PARTS = {
    "Once upon a time",
    " the",
    "  ",
    "\n",
    "{",
    "}",
    "é",
    "e\u0301",
    "ß",
    "日本語",
    "한국어",
    "😀",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "\u200d",
    "\uFFFD",
    "\u0000",
    "█",
    "\uD800\uDF48",
    "a",
    "Ω≈ç√",
    "عربى",
    "🇩🇪",
    "▁",
    " ."
  };

  private Samples() {}

  static String text(SplittableRandom random) {
    StringBuilder text = new StringBuilder();
    for (int n = random.nextInt(8); n > 0; n--) {
      text.append(PARTS[random.nextInt(PARTS.length)]);
    }
    return text.toString();
  }

  /** Ids of a text, of bytes, and any ids: special, unknown, negative, beyond the vocabulary. */
  static int[] ids(Tokenizer tokenizer, SplittableRandom random) {
    return switch (random.nextInt(3)) {
      case 0 -> tokenizer.encode(text(random), random.nextBoolean());
      case 1 -> random.ints(random.nextInt(12), 0, 280).toArray(); // the byte tokens of both
      default -> random.ints(random.nextInt(12), -2, tokenizer.size() + 50).toArray();
    };
  }
}
