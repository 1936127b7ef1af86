package dev.tritium.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * One safetensors file, mapped read-only: 8 bytes header length (little-endian), the JSON header,
 * then the data of all tensors without a gap (the format's description is in
 * huggingface/safetensors).
 *
 * <p>The mapping serves any number of threads and files of any size. The file must not change while
 * it is open: a file that shrinks makes later reads of the lost pages fail with {@link
 * InternalError}. Replace files by renaming, never in place.
 */
public final class SafetensorsFile implements AutoCloseable {
  private static final long MAX_HEADER_BYTES = 100_000_000; // the reference implementation's limit
  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

  private final Path path;
  private final Arena arena;
  private final Map<String, String> metadata;
  private final Map<String, Tensor> tensors;

  private SafetensorsFile(Path path, Arena arena, MemorySegment bytes) {
    this.path = path;
    this.arena = arena;
    long dataStart = Long.BYTES + headerBytes(bytes);
    long dataBytes = bytes.byteSize() - dataStart;
    MemorySegment text = bytes.asSlice(Long.BYTES, dataStart - Long.BYTES);
    SafetensorsHeader header =
        SafetensorsHeader.read(path, new SegmentInputStream(text), dataBytes);
    Map<String, Tensor> byName = new TreeMap<>();
    for (SafetensorsHeader.Entry e : header.entries()) {
      MemorySegment data = bytes.asSlice(dataStart + e.begin(), e.end() - e.begin());
      byName.put(e.name(), new Tensor(e.name(), e.dtype(), e.shape(), data, path));
    }
    this.metadata = Collections.unmodifiableMap(header.metadata());
    this.tensors = Collections.unmodifiableMap(byName);
  }

  /**
   * Maps a file and checks its whole header; the data itself is not read.
   *
   * @throws CheckpointException if it cannot be read or breaks a rule of the format
   */
  public static SafetensorsFile open(Path path) {
    return CheckpointFiles.map(path, (arena, bytes) -> new SafetensorsFile(path, arena, bytes));
  }

  private long headerBytes(MemorySegment bytes) {
    if (bytes.byteSize() < Long.BYTES) {
      throw broken("expected at least 8 bytes, found " + bytes.byteSize());
    }
    long headerBytes = bytes.get(LENGTH, 0);
    if (headerBytes < 0 || headerBytes > MAX_HEADER_BYTES) {
      throw broken(
          "header length %s, expected at most %d"
              .formatted(Long.toUnsignedString(headerBytes), MAX_HEADER_BYTES));
    }
    if (headerBytes > bytes.byteSize() - Long.BYTES) {
      throw broken(
          "header of %d bytes does not fit into a file of %d bytes; is it cut off?"
              .formatted(headerBytes, bytes.byteSize()));
    }
    if (headerBytes == 0 || bytes.get(ValueLayout.JAVA_BYTE, Long.BYTES) != '{') {
      throw broken("header does not start with {");
    }
    return headerBytes;
  }

  private CheckpointException broken(String problem) {
    return new CheckpointException(path + ": " + problem);
  }

  public Path path() {
    return path;
  }

  /** The tensors by name, in name order. */
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /** The strings under {@code __metadata__}; empty if there are none. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Unmaps the file; its tensors can no longer be read. A second call does nothing. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  /** Reads a segment, which may be longer than an array, without copying it to the heap. */
  private static final class SegmentInputStream extends InputStream {
    private final MemorySegment bytes;
    private long position;

    SegmentInputStream(MemorySegment bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return position == bytes.byteSize()
          ? -1
          : Byte.toUnsignedInt(bytes.get(ValueLayout.JAVA_BYTE, position++));
    }

    @Override
    public int read(byte[] target, int at, int length) {
      int n = (int) Math.min(length, bytes.byteSize() - position);
      if (n == 0 && length > 0) {
        return -1;
      }
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, position, target, at, n);
      position += n;
      return n;
    }
  }
}
