package dev.tritium.checkpoint;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.regex.Pattern;

/**
 * What tells a file from any other and from itself with other content, without reading it.
 *
 * @param path absolute, without symbolic links
 * @param changed when it last changed: its ctime, which nobody can set, where the file system has
 *     one, else its modification time
 * @param inode 0 where there is none
 */
record FileStamp(Path path, long bytes, FileTime modified, FileTime changed, long inode) {
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");

  /**
   * The stamp of a file, symbolic links followed.
   *
   * @throws CheckpointException if there is no such file
   */
  static FileStamp of(Path file) {
    try {
      Path path = file.toRealPath();
      BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
      FileTime modified = found.lastModifiedTime();
      boolean unix = path.getFileSystem().supportedFileAttributeViews().contains("unix");
      return new FileStamp(
          path,
          found.size(),
          modified,
          unix ? (FileTime) Files.getAttribute(path, "unix:ctime") : modified,
          unix ? (Long) Files.getAttribute(path, "unix:ino") : 0);
    } catch (IOException e) {
      throw CheckpointFiles.unreadable(file, e);
    }
  }

  /**
   * Whether the file is named by the hash of its content, as blobs in the hub's cache are, which
   * never change once they are there.
   */
  boolean isBlob() {
    Path parent = path.getParent();
    return parent != null
        && parent.endsWith("blobs")
        && HASH.matcher(String.valueOf(path.getFileName())).matches();
  }

  /**
   * What says that content is the same: of a blob its hash, wherever and since when it is there.
   */
  @Override
  public String toString() {
    if (isBlob()) {
      return "blob %s, %d bytes".formatted(path.getFileName(), bytes);
    }
    return "%s %d bytes, modified %d ns, changed %d ns, inode %d"
        .formatted(path, bytes, modified.to(NANOSECONDS), changed.to(NANOSECONDS), inode);
  }
}
