package dev.tritium.hub;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Lets one thread of one process at a time load a blob; a killed process holds it no longer.
 *
 * <p>The file is that of huggingface_hub, {@code .locks/models--OWNER--NAME/HASH.lock}. Python
 * locks it in another way (flock), which only some file systems make the same: nothing breaks where
 * both load a blob, since each has a file of its own and moves it into place whole.
 */
record BlobLock(FileChannel channel) implements AutoCloseable {
  private static final Logger LOG = System.getLogger(BlobLock.class.getName());
  private static final long POLL_MILLIS = 100;

  /**
   * Waits for the lock.
   *
   * @param waiting run if it cannot be had at once
   * @throws HubException if this thread is interrupted
   */
  @SuppressWarnings("MustBeClosed") // the lock closes it
  static BlobLock acquire(Path file, Runnable waiting) throws IOException {
    Files.createDirectories(file.getParent());
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (!tryLock(channel)) {
        waiting.run();
        do {
          Thread.sleep(POLL_MILLIS);
        } while (!tryLock(channel));
      }
      return new BlobLock(channel);
    } catch (InterruptedException e) {
      channel.close();
      Thread.currentThread().interrupt();
      throw new HubException("interrupted", e);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) { // another thread of this process has it
      return false;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "closing a lock file", e);
    }
  }
}
