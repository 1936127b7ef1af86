package dev.tritium.hub;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.LongConsumer;

/** The two hashes by which the hub names what files hold. */
final class BlobHash {
  private static final int BLOCK_BYTES = 1 << 20;
  private static final int SHA1_DIGITS = 40;

  private BlobHash() {}

  /**
   * The hash of a file of the same kind as {@code expected}: SHA-256, or git's SHA-1 of a blob if
   * that has 40 digits.
   *
   * @param read takes the number of bytes after each block
   */
  static String of(Path file, String expected, LongConsumer read) throws IOException {
    boolean git = expected.length() == SHA1_DIGITS;
    MessageDigest digest = digest(git ? "SHA-1" : "SHA-256");
    if (git) {
      digest.update(("blob " + Files.size(file) + "\0").getBytes(UTF_8));
    }
    byte[] block = new byte[BLOCK_BYTES];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(block); n >= 0; n = in.read(block)) {
        digest.update(block, 0, n);
        read.accept(n);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has " + algorithm, e);
    }
  }
}
