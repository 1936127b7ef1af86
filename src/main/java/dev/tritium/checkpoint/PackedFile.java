package dev.tritium.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * The packed matrices of one model in one format: a file mapped read-only, whose sections lie at
 * multiples of 4096.
 *
 * <p>Safe for any number of threads. Files are replaced by renaming, never in place, so a mapped
 * one does not change.
 */
public final class PackedFile implements AutoCloseable {
  static final String EXTENSION = ".packed";

  private final Path path;
  private final Arena arena;
  private final PackedTable table;
  private final List<Section> sections;

  /**
   * A packed matrix [rows, columns].
   *
   * @param scales in the order of their rows; the last one ends at {@code rows}
   * @param bytes the payload, mapped; readable until the file is closed
   * @param checksum CRC32C that the payload had when it was written
   */
  public record Section(
      String name,
      int rows,
      int columns,
      List<RowScale> scales,
      MemorySegment bytes,
      int checksum) {

    /** Whether the payload is as it was written; reads all of it, from any thread. */
    public boolean isIntact() {
      return PackedTable.checksum(bytes) == checksum;
    }
  }

  /** The scale of the rows up to {@code endRow}; fused matrices have one per part. */
  public record RowScale(int endRow, float scale) {}

  private PackedFile(Path path, Arena arena, MemorySegment file) {
    this.path = path;
    this.arena = arena;
    this.table = PackedTable.read(file);
    this.sections =
        table.entries().stream()
            .map(
                e ->
                    new Section(
                        e.name(),
                        e.rows(),
                        e.columns(),
                        e.scales(),
                        plain(file.asSlice(e.offset(), e.bytes()), arena),
                        e.checksum()))
            .toList();
  }

  /**
   * The same memory as a segment of the class that arenas allocate: kernels that meet segments of
   * two classes in one JVM are compiled for both, and are up to 1.7 times slower.
   */
  @SuppressWarnings("restricted") // the new segment has the bounds and the arena of the old one
  private static MemorySegment plain(MemorySegment mapped, Arena arena) {
    return MemorySegment.ofAddress(mapped.address())
        .reinterpret(mapped.byteSize(), arena, null)
        .asReadOnly();
  }

  /**
   * Maps a file and checks its header and table; {@link Section#isIntact} checks the rest.
   *
   * @throws CheckpointException if it cannot be read, is damaged or was written by another version
   */
  public static PackedFile open(Path path) {
    try {
      return CheckpointFiles.map(path, (arena, file) -> new PackedFile(path, arena, file));
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new CheckpointException(path + ": " + e.getMessage(), e);
    }
  }

  /** The name of the file that holds a model in a format: there is one for each content. */
  static String fileName(String formatId, int version, byte[] digest) {
    return fileNamePrefix(formatId, version) + HexFormat.of().formatHex(digest) + EXTENSION;
  }

  /** What the names of all models in a format begin with. */
  static String fileNamePrefix(String formatId, int version) {
    return formatId + "-" + version + "-";
  }

  public Path path() {
    return path;
  }

  /** The matrices in the order in which they were added. */
  public List<Section> sections() {
    return sections;
  }

  /** Whether it holds that model in that format. */
  boolean holds(String formatId, int version, byte[] digest) {
    return table.formatId().equals(formatId)
        && table.version() == version
        && Arrays.equals(table.digest(), digest);
  }

  /** Unmaps the file; its sections can no longer be read. A second call does nothing. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
