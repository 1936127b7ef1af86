package dev.tritium.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Native memory in pieces of one size, used again when they are given back: gigabytes of states
 * stay out of the garbage collector's way, and what was evicted makes room at once.
 */
final class SegmentPool implements AutoCloseable {
  private final long bytes;
  private final Arena arena = Arena.ofShared();
  private final Deque<MemorySegment> free = new ArrayDeque<>();

  /**
   * A pool of pieces.
   *
   * @param bytes size of a piece
   */
  SegmentPool(long bytes) {
    this.bytes = bytes;
  }

  /** A piece whose content is undefined. */
  synchronized MemorySegment take() {
    return free.isEmpty() ? arena.allocate(bytes, Float.BYTES) : free.pop();
  }

  synchronized void giveBack(MemorySegment piece) {
    free.push(piece);
  }

  @Override
  public void close() {
    arena.close();
  }
}
