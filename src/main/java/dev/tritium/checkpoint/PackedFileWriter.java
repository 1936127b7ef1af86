package dev.tritium.checkpoint;

import dev.tritium.checkpoint.PackedFile.RowScale;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes a packed file, matrix by matrix, under a temporary name that {@link #finish} replaces by
 * the final one: a file under a final name is always whole.
 *
 * <p>It writes instead of mapping: a full disk fails a write, but would kill a mapped page. While
 * it lives it holds a lock on its temporary file; temporary files without one are left over from
 * killed processes.
 */
public final class PackedFileWriter implements AutoCloseable {
  private static final Logger LOG = System.getLogger(PackedFileWriter.class.getName());
  static final String TEMPORARY = ".tmp";
  private static final int WRITE_BLOCK_BYTES = 1 << 20;

  /** Names of this process's temporary files: opening and closing one would free its lock. */
  private static final Set<Path> LIVE = ConcurrentHashMap.newKeySet();

  private final Path temporary;
  private final FileChannel channel;
  private final List<PackedTable.Entry> entries = new ArrayList<>(); // guarded by itself, as is end
  private long end = PackedTable.PAGE_BYTES;

  private PackedFileWriter(Path temporary, FileChannel channel) {
    this.temporary = temporary;
    this.channel = channel;
  }

  /**
   * Starts a file in that folder, which is created if need be, and deletes what killed processes
   * left there.
   *
   * @throws PackedCacheException if nothing can be written there
   */
  static PackedFileWriter create(Path folder) {
    try {
      Files.createDirectories(folder);
      deleteAbandoned(folder);
      while (true) {
        PackedFileWriter writer = tryCreate(folder.resolve(UUID.randomUUID() + TEMPORARY));
        if (writer != null) {
          return writer;
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      throw new PackedCacheException(folder, e);
    }
  }

  /** Null if another process took the new file for an abandoned one before it was locked. */
  @SuppressWarnings("MustBeClosed") // the writer closes it
  private static @Nullable PackedFileWriter tryCreate(Path temporary) throws IOException {
    LIVE.add(temporary.getFileName());
    try {
      FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      PackedFileWriter writer = new PackedFileWriter(temporary, channel);
      if (isOurs(channel) && Files.exists(temporary)) {
        return writer;
      }
      writer.close();
      return null;
    } catch (IOException e) {
      LIVE.remove(temporary.getFileName());
      throw e;
    }
  }

  private static void deleteAbandoned(Path folder) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + TEMPORARY)) {
      for (Path file : files) {
        if (!LIVE.contains(file.getFileName())) {
          deleteUnlessLocked(file);
        }
      }
    }
  }

  private static void deleteUnlessLocked(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      if (channel.tryLock() != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | OverlappingFileLockException e) {
      LOG.log(Level.DEBUG, "left alone: " + file, e); // gone, another user's, or no locks here
    }
  }

  /** Locks a new file; where there are no locks, nobody deletes it either. */
  private static boolean isOurs(FileChannel channel) {
    try {
      return channel.tryLock() != null;
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "no locks in the cache folder", e);
      return true;
    }
  }

  /**
   * Writes a packed matrix [rows, columns]. May be called from several threads; the matrices stand
   * in the file in the order of the calls.
   *
   * @param name unique in the file
   * @param scales in the order of their rows; the last one ends at {@code rows}
   * @param bytes what the section shall hold; may be overwritten afterwards
   * @throws PackedCacheException if it cannot be written, for lack of space perhaps
   */
  public void add(String name, int rows, int columns, List<RowScale> scales, MemorySegment bytes) {
    int checksum = PackedTable.checksum(bytes);
    long offset;
    synchronized (entries) {
      offset = end;
      entries.add(
          new PackedTable.Entry(name, rows, columns, offset, bytes.byteSize(), checksum, scales));
      end = PackedTable.pageFrom(offset + bytes.byteSize());
    }
    try {
      for (long at = 0; at < bytes.byteSize(); at += WRITE_BLOCK_BYTES) {
        long size = Math.min(WRITE_BLOCK_BYTES, bytes.byteSize() - at);
        write(bytes.asSlice(at, size).asByteBuffer(), offset + at);
      }
    } catch (IOException e) {
      throw new PackedCacheException(temporary, e);
    }
  }

  private void write(ByteBuffer bytes, long offset) throws IOException {
    while (bytes.hasRemaining()) {
      offset += channel.write(bytes, offset);
    }
  }

  /**
   * Completes the file, brings it to the disk and gives it its name, replacing a file of that name.
   *
   * @throws PackedCacheException if it cannot be written
   */
  PackedFile finish(String formatId, int version, byte[] digest) {
    PackedTable table;
    synchronized (entries) {
      table = new PackedTable(formatId, version, digest, entries);
    }
    Path file = temporary.resolveSibling(PackedFile.fileName(formatId, version, digest));
    try {
      write(table.header(), 0);
      write(table.toBytes(), table.offset());
      channel.force(true);
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      return PackedFile.open(file);
    } catch (IOException | CheckpointException e) {
      throw new PackedCacheException(file, e);
    }
  }

  /** Deletes the temporary file, unless it was finished. A second call does nothing. */
  @Override
  public void close() {
    try (channel) {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "left behind: " + temporary, e);
    } finally {
      LIVE.remove(temporary.getFileName());
    }
  }
}
