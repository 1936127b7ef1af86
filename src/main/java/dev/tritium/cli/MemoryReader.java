package dev.tritium.cli;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tritium.kernel.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Reads a buffer larger than any cache as fast as Java can: each thread walks four streams, a cache
 * line of each in turn. Vectors gain nothing over {@code long} here.
 */
final class MemoryReader implements AutoCloseable {
  static final long BYTES = 512L << 20;

  /** Far larger than a page, so that every stream has its own prefetcher at work. */
  private static final long STREAM_BYTES = 512 << 10;

  private static final long CHUNK_BYTES = 4 * STREAM_BYTES;
  private static final int CHUNKS = (int) (BYTES / CHUNK_BYTES);

  private final Arena arena = Arena.ofShared();
  private final MemorySegment buffer = arena.allocate(BYTES, 4096);
  private final Workers workers;
  private final long[] sums = new long[CHUNKS];

  MemoryReader(Workers workers) {
    this.workers = workers;
    workers.forEach(CHUNKS, (chunk, worker) -> fillWithOnes(slice(chunk)));
  }

  private MemorySegment slice(int chunk) {
    return buffer.asSlice(chunk * CHUNK_BYTES, CHUNK_BYTES);
  }

  private static void fillWithOnes(MemorySegment words) {
    for (long p = 0; p < words.byteSize(); p += Long.BYTES) {
      words.set(JAVA_LONG, p, 1);
    }
  }

  /** Reads all of the buffer once. */
  void read() {
    workers.forEach(CHUNKS, (chunk, worker) -> sums[chunk] = sum(slice(chunk)));
    for (long sum : sums) { // needed, else the compiler may leave the reading out
      if (sum != CHUNK_BYTES / Long.BYTES) {
        throw new AssertionError("memory holds something else than was written");
      }
    }
  }

  /** Bytes per second of the fastest of {@code times} reads, after one that warms up. */
  double bytesPerSecond(int times) {
    read();
    long best = Long.MAX_VALUE;
    for (int i = 0; i < times; i++) {
      long start = System.nanoTime();
      read();
      best = Math.min(best, System.nanoTime() - start);
    }
    return BYTES * 1e9 / best;
  }

  private static long sum(MemorySegment words) {
    long a = 0;
    long b = 0;
    long c = 0;
    long d = 0;
    for (long p = 0; p < STREAM_BYTES; p += 64) {
      a += line(words, p);
      b += line(words, p + STREAM_BYTES);
      c += line(words, p + 2 * STREAM_BYTES);
      d += line(words, p + 3 * STREAM_BYTES);
    }
    return a + b + c + d;
  }

  private static long line(MemorySegment words, long p) {
    return words.get(JAVA_LONG, p)
        + words.get(JAVA_LONG, p + 8)
        + words.get(JAVA_LONG, p + 16)
        + words.get(JAVA_LONG, p + 24)
        + words.get(JAVA_LONG, p + 32)
        + words.get(JAVA_LONG, p + 40)
        + words.get(JAVA_LONG, p + 48)
        + words.get(JAVA_LONG, p + 56);
  }

  @Override
  public void close() {
    arena.close();
  }
}
