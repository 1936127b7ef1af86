package dev.tritium.checkpoint;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;

/**
 * What tells a file from any other and from itself with other content, without reading it.
 *
 * @param path absolute, without symbolic links
 * @param changed when it last changed: its ctime, which nobody can set, where the file system has
 *     one, else its modification time
 * @param inode 0 where there is none
 */
record FileStamp(Path path, long bytes, FileTime modified, FileTime changed, long inode) {

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

  @Override
  public String toString() {
    return "%s %d bytes, modified %d ns, changed %d ns, inode %d"
        .formatted(path, bytes, modified.to(NANOSECONDS), changed.to(NANOSECONDS), inode);
  }
}
