package dev.tritium.loadtests;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A server whose process may be told to end: one that runs here, or one of our own. */
final class StoppableServer implements AutoCloseable {
  private static final Duration START =
      Duration.ofMinutes(10); // the first start may build, or pack a large model

  private final ProcessHandle handle;
  private final @Nullable Process own;
  private final URI url;

  private StoppableServer(ProcessHandle handle, @Nullable Process own, URI url) {
    this.handle = handle;
    this.own = own;
    this.url = url;
  }

  static StoppableServer running(long pid, URI url) {
    ProcessHandle handle =
        ProcessHandle.of(pid)
            .orElseThrow(() -> new IllegalArgumentException("no process has the id " + pid));
    return new StoppableServer(handle, null, url);
  }

  /** Starts {@code LAUNCHER serve} on a free port and waits until it serves. */
  static StoppableServer start(String launcher, Path log) throws IOException, InterruptedException {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    ProcessBuilder builder =
        new ProcessBuilder(List.of(launcher, "serve", "--port", String.valueOf(port)));
    Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    URI url = URI.create("http://127.0.0.1:" + port);
    StoppableServer server = new StoppableServer(process.toHandle(), process, url);
    long end = System.nanoTime() + START.toNanos();
    while (!Files.readString(log).contains("serving ")) {
      if (!process.isAlive() || System.nanoTime() > end) {
        server.close();
        throw new IOException("the server does not start:\n" + Files.readString(log));
      }
      Thread.sleep(100);
    }
    return server;
  }

  URI url() {
    return url;
  }

  void terminate() {
    handle.destroy();
  }

  /** What is wrong with its end, which is waited for; null if nothing is. */
  @Nullable String problemOfEnd(Duration limit) throws InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    while (handle.isAlive()) {
      if (System.nanoTime() > end) {
        return "it still runs " + limit.toSeconds() + " s after its last stream";
      }
      Thread.sleep(50);
    }
    int status = own == null ? 0 : own.exitValue();
    return status == 0 ? null : "its exit status is " + status;
  }

  /** Ends it if it is our own and still runs. */
  @Override
  public void close() {
    if (own != null) {
      own.destroy();
      try {
        own.waitFor(40, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      own.destroyForcibly();
    }
  }
}
