package dev.tritium.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * SHA-256 of config.json and, in name order, of each tensor's name, type, shape and SHA-256 of its
 * bytes; so tensors can be hashed at the same time. Any thread may call at any time.
 */
final class ModelDigest {
  private static final int BLOCK_BYTES = 1 << 20;

  private final byte[] configBytes;
  private final Collection<Tensor> tensors; // in name order
  private final Map<String, byte[]> tensorDigests = new ConcurrentHashMap<>();
  private byte @Nullable [] digest;

  ModelDigest(byte[] configBytes, Collection<Tensor> tensors) {
    this.configBytes = configBytes;
    this.tensors = tensors;
  }

  /** The digest; reads the tensors that {@link #hash} has not yet read, unless it was preset. */
  synchronized byte[] get() {
    if (digest == null) {
      MessageDigest sha = sha256();
      // Lengths go first, so that no two models have the same stream of bytes.
      update(sha, MemorySegment.ofArray(configBytes));
      for (Tensor tensor : tensors) {
        String head = "%s %s %s".formatted(tensor.dtype(), tensor.shape(), tensor.name());
        update(sha, MemorySegment.ofArray(head.getBytes(UTF_8)));
        sha.update(hash(tensor));
      }
      digest = sha.digest();
    }
    return digest.clone();
  }

  /** The digest of one tensor's bytes, which is read once. */
  byte[] hash(Tensor tensor) {
    byte[] known = tensorDigests.get(tensor.name());
    if (known == null) {
      MessageDigest sha = sha256();
      update(sha, tensor.data());
      tensor.release();
      known = sha.digest();
      tensorDigests.put(tensor.name(), known);
    }
    return known;
  }

  synchronized boolean isKnown() {
    return digest != null;
  }

  /** Spares reading the tensors. */
  synchronized void preset(byte[] known) {
    digest = known.clone();
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  private static void update(MessageDigest sha, MemorySegment bytes) {
    sha.update(ByteBuffer.allocate(Long.BYTES).putLong(0, bytes.byteSize()));
    for (long at = 0; at < bytes.byteSize(); at += BLOCK_BYTES) {
      long size = Math.min(BLOCK_BYTES, bytes.byteSize() - at);
      sha.update(bytes.asSlice(at, size).asByteBuffer());
    }
  }
}
