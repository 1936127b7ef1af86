package dev.tritium.hub;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A file of a model on the hub.
 *
 * @param bytes its size
 * @param hash SHA-256 of a file that git LFS or Xet holds, git's SHA-1 of any other, in
 *     hexadecimal; also the name of its blob in the cache
 */
record RemoteFile(String name, long bytes, String hash) {
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");

  RemoteFile {
    if (bytes < 0 || !HASH.matcher(hash).matches()) {
      throw new IllegalArgumentException("no file: " + name + " " + bytes + " " + hash);
    }
  }

  /** The hash that a hub gives as an ETag or in a listing; nothing if it is none of the two. */
  static Optional<String> hash(String text) {
    String bare = text.strip().replaceFirst("^W/", "").replace("\"", "").toLowerCase(Locale.ROOT);
    return Optional.of(bare).filter(hash -> HASH.matcher(hash).matches());
  }
}
