package dev.tritium.hub;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;

/** How far one file is; written by the thread that loads it, read by any. */
public final class FileProgress {
  /** What is being done to a file. */
  public enum State {
    QUEUED,
    /** Another process or thread loads it. */
    WAITING,
    LOADING,
    /** All bytes are there and are being hashed. */
    CHECKING,
    DONE
  }

  private final String name;
  private final long bytes;
  private final AtomicLong done = new AtomicLong();
  private final AtomicLong received = new AtomicLong();
  private volatile State state = State.QUEUED;

  FileProgress(String name, long bytes) {
    this.name = name;
    this.bytes = bytes;
  }

  /** The sum of one of their figures. */
  public static long sum(List<FileProgress> files, ToLongFunction<FileProgress> figure) {
    return files.stream().mapToLong(figure).sum();
  }

  public String name() {
    return name;
  }

  /** Size of the file. */
  public long bytes() {
    return bytes;
  }

  /** Bytes that are on disk, those of earlier runs included. */
  public long doneBytes() {
    return done.get();
  }

  /** Bytes that came over the network, in this run. */
  public long receivedBytes() {
    return received.get();
  }

  public State state() {
    return state;
  }

  void is(State now) {
    state = now;
  }

  void at(long position) {
    done.set(position);
  }

  void receive(long position, int n) {
    received.addAndGet(n);
    done.accumulateAndGet(position, Math::max);
  }
}
