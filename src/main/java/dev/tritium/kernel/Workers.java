package dev.tritium.kernel;

/** The worker pool: splits a phase of work into chunks that several threads take in turn. */
public final class Workers implements AutoCloseable {
  /** One chunk of a phase. */
  @FunctionalInterface
  public interface Task {
    /**
     * Runs one chunk.
     *
     * @param chunk in [0, chunks)
     * @param worker in [0, size()), for scratch memory: no two chunks run at once with the same one
     */
    void run(int chunk, int worker);
  }

  private final int size;

  /** A pool of {@code size} threads, the caller included. */
  public Workers(int size) {
    this.size = size;
  }

  public int size() {
    return size;
  }

  /**
   * Runs every chunk once and returns when all are done.
   *
   * @throws IllegalStateException if two threads call at the same time
   */
  public void forEach(int chunks, Task task) {
    for (int c = 0; c < chunks; c++) {
      task.run(c, 0);
    }
  }

  @Override
  public void close() {}
}
