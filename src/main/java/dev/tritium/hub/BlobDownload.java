package dev.tritium.hub;

import dev.tritium.hub.FileProgress.State;
import dev.tritium.hub.HubClient.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Loads one file of the hub into its blob. What has come stays in {@code HASH.tritium.incomplete}
 * when the connection, the process or the machine fails, and the next attempt goes on behind it;
 * the file gets the blob's name when its hash is right, and not before.
 *
 * <p>Python never touches a file of that name: older versions of huggingface_hub would append to
 * {@code HASH.incomplete}.
 */
final class BlobDownload implements Runnable {
  static final String PARTIAL = ".tritium.incomplete";

  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (\\d{1,18})-\\d+/(\\d{1,18}|\\*)");
  private static final int BLOCK_BYTES = 1 << 17;
  private static final int MOST_WRONG = 2; // contents with another hash, from the first byte on

  private final HubClient client;
  private final Retries retries;
  private final ModelId id;
  private final String commit;
  private final RemoteFile file;
  private final Path blob;
  private final Path partial;
  private final Path lock;
  private final FileProgress progress;
  private final Object label;
  private String etag = ""; // of the host that sends the bytes, if a range may rely on it
  private volatile @Nullable InputStream body; // being read
  private volatile long movedNanos;
  private volatile boolean silent; // and was cut for it

  BlobDownload(
      HubClient client, Retries retries, HubCache.Model cached, String commit, RemoteFile file) {
    this.client = client;
    this.retries = retries;
    this.id = cached.id();
    this.commit = commit;
    this.file = file;
    this.blob = cached.blob(file.hash());
    this.partial = cached.blob(file.hash() + PARTIAL);
    this.lock = cached.lock(file.hash());
    this.progress = new FileProgress(file.name(), file.bytes());
    this.label = id + ": " + file.name();
    progress.at(partialBytes());
  }

  FileProgress progress() {
    return progress;
  }

  /** Bytes that are still to come. */
  long missingBytes() {
    return Math.max(0, file.bytes() - partialBytes());
  }

  private long partialBytes() {
    try {
      return Files.size(partial);
    } catch (IOException e) {
      return 0; // there is none
    }
  }

  /**
   * Makes sure that the blob is there, whole.
   *
   * @throws HubException if that is impossible; what has come stays, unless it is wrong
   */
  @Override
  public void run() {
    try (BlobLock _ = BlobLock.acquire(lock, () -> progress.is(State.WAITING))) {
      if (!HubCache.isWhole(blob, file.bytes())) {
        load();
      }
      progress.at(file.bytes());
      progress.is(State.DONE);
    } catch (IOException e) {
      throw DiskFailure.of(label, partial, e);
    }
  }

  private void load() throws IOException {
    int wrong = 0;
    int failures = 0;
    while (true) {
      long before = partialBytes();
      try {
        receive();
        if (isRight()) {
          Files.move(
              partial, blob, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
          return;
        }
        Files.delete(partial);
        throw new WrongContent(
            "what the hub sends does not have the hash that it states, " + file.hash());
      } catch (WrongContent e) {
        if (++wrong == MOST_WRONG) {
          throw new HubException(label + ": " + e.getMessage(), e);
        }
      } catch (NetworkException e) {
        failures = partialBytes() > before ? 1 : failures + 1;
        retries.await(label, failures, e.failure);
      }
    }
  }

  /** A content that is not the file's. */
  private static final class WrongContent extends Exception {
    private static final long serialVersionUID = 1L;

    WrongContent(String message) {
      super(message);
    }
  }

  /** Tells a failure of the network from one of the disk. */
  private static final class NetworkException extends Exception {
    private static final long serialVersionUID = 1L;

    private final IOException failure;

    NetworkException(IOException failure) {
      super(failure);
      this.failure = failure;
    }
  }

  /** Fills the partial file up to the file's size. */
  private void receive() throws IOException, WrongContent, NetworkException {
    long have = partialBytes();
    if (have > file.bytes()) {
      Files.delete(partial);
      have = 0;
    }
    progress.at(have);
    progress.is(State.LOADING);
    try (FileChannel out =
        FileChannel.open(partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      if (have < file.bytes()) {
        receive(out, have);
      }
      out.force(true); // a blob's name must not outlive its bytes when the power fails
    }
  }

  private void receive(FileChannel out, long have)
      throws IOException, WrongContent, NetworkException {
    Answer answer;
    try {
      answer = client.open(commit, file.name(), have, etag);
    } catch (IOException e) {
      throw new NetworkException(e);
    }
    try {
      // A host that knows no ranges, or whose file is another now, begins anew: the same bytes are
      // then written once more, and what is already behind them stays.
      long at = answer.status() == 206 ? rangeStart(answer, have) : 0;
      if (answer.status() == 416 || at > have) {
        Files.deleteIfExists(partial);
        throw new WrongContent("the hub has other bytes than before");
      }
      if (answer.status() != 206) {
        long length = answer.headers().firstValueAsLong("Content-Length").orElse(file.bytes());
        requireSize(length);
      }
      String tag = answer.header("ETag").orElse("");
      etag = tag.startsWith("\"") ? tag : ""; // weak ones are no use
      copy(answer.body(), out, at);
    } finally {
      close(answer);
    }
  }

  private static void close(Answer answer) {
    try {
      answer.close();
    } catch (IOException e) {
      // Nothing more is wanted of it.
    }
  }

  private long rangeStart(Answer answer, long have) throws WrongContent {
    Matcher range = CONTENT_RANGE.matcher(answer.header("Content-Range").orElse(""));
    if (!range.matches()) {
      return have;
    }
    if (!range.group(2).equals("*")) {
      requireSize(Long.parseLong(range.group(2)));
    }
    return Long.parseLong(range.group(1));
  }

  private void requireSize(long found) throws WrongContent {
    if (found != file.bytes()) {
      throw new WrongContent(
          "the hub states a size of %d bytes and sends %d".formatted(file.bytes(), found));
    }
  }

  private void copy(InputStream in, FileChannel out, long first)
      throws IOException, WrongContent, NetworkException {
    byte[] block = new byte[BLOCK_BYTES];
    long at = first;
    movedNanos = System.nanoTime();
    silent = false;
    body = in;
    try {
      for (int n = read(in, block); n >= 0; n = read(in, block)) {
        if (at + n > file.bytes()) {
          Files.deleteIfExists(partial);
          throw new WrongContent(
              "the hub sends more than the %d bytes that it states".formatted(file.bytes()));
        }
        for (ByteBuffer bytes = ByteBuffer.wrap(block, 0, n); bytes.hasRemaining(); ) {
          at += out.write(bytes, at);
        }
        progress.receive(at, n);
        movedNanos = System.nanoTime();
      }
    } finally {
      body = null;
    }
    if (at < file.bytes()) {
      throw new NetworkException(
          new IOException("it ended after %d of %d bytes".formatted(at, file.bytes())));
    }
  }

  private int read(InputStream in, byte[] block) throws NetworkException {
    try {
      return in.read(block);
    } catch (IOException e) {
      throw new NetworkException(silent ? new HttpTimeoutException("nothing came any more") : e);
    }
  }

  private boolean isRight() throws IOException {
    progress.is(State.CHECKING);
    return Files.size(partial) == file.bytes()
        && BlobHash.of(partial, file.hash(), n -> requireNotInterrupted()).equals(file.hash());
  }

  private static void requireNotInterrupted() {
    if (Thread.currentThread().isInterrupted()) {
      throw new HubException("interrupted");
    }
  }

  /** Cuts a connection that has been silent for too long; the download then tries again. */
  void endSilence(Duration longest) {
    InputStream reading = body;
    if (reading != null && System.nanoTime() - movedNanos > longest.toNanos()) {
      silent = true;
      try {
        reading.close();
      } catch (IOException e) {
        // It is cut either way.
      }
    }
  }
}
