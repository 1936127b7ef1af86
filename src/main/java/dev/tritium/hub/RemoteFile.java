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

  /**
   * A file by the hub's listing and by its headers.
   *
   * @throws HubException if they contradict each other, or neither has a size and a hash
   */
  static RemoteFile agreed(ModelId id, String name, Listing.Entry listed, Listing.Entry stated) {
    Optional<Long> bytes = stated.bytes().or(listed::bytes);
    Optional<String> hash = stated.hash().or(listed::hash);
    if (!bytes.equals(listed.bytes().or(() -> bytes))
        || !hash.equals(listed.hash().or(() -> hash))) {
      throw new HubException(
          "%s: the hub contradicts itself about %s: its listing has %s, its headers %s"
              .formatted(id, name, shown(listed), shown(stated)));
    }
    if (bytes.isEmpty() || hash.isEmpty()) {
      throw new HubException(
          "%s: the hub gives no %s of %s, so that it could not be checked"
              .formatted(id, bytes.isEmpty() ? "size" : "hash", name));
    }
    return new RemoteFile(name, bytes.get(), hash.get());
  }

  private static String shown(Listing.Entry said) {
    return "%s bytes and hash %s"
        .formatted(said.bytes().map(String::valueOf).orElse("no"), said.hash().orElse("none"));
  }

  /** The hash that a hub gives as an ETag or in a listing; nothing if it is none of the two. */
  static Optional<String> hash(String text) {
    String bare = text.strip().replaceFirst("^W/", "").replace("\"", "").toLowerCase(Locale.ROOT);
    return Optional.of(bare).filter(hash -> HASH.matcher(hash).matches());
  }
}
