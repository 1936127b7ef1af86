package dev.tritium.testing;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The packaged application, serving the bundled model on a port of its own until it is closed. */
public final class PackagedServer implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final Process process;
  private final int port;
  private final Path log;

  private PackagedServer(Process process, int port, Path log) {
    this.process = process;
    this.port = port;
    this.log = log;
  }

  /**
   * Starts it as ./tritium does.
   *
   * @param log file for what it writes
   * @param environment variables beside those of this process
   * @param javaOptions beside those that every JVM needs
   */
  public static PackagedServer start(
      Path log, Map<String, String> environment, String... javaOptions) throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    ProcessBuilder builder =
        new ProcessBuilder(java.toString(), "@src/main/jvm/args", "-Dtritium.home=.");
    builder.command().addAll(List.of(javaOptions));
    builder.command().addAll(List.of("-jar", "target/quarkus-app/quarkus-run.jar"));
    builder.command().addAll(List.of("serve", "--port", String.valueOf(port)));
    builder.environment().putAll(environment);
    Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    return new PackagedServer(process, port, log);
  }

  public Process process() {
    return process;
  }

  public int port() {
    return port;
  }

  /** What it has written so far. */
  public String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A client, at once. */
  public Api api() {
    return new Api(URI.create("http://127.0.0.1:" + port));
  }

  /** A client, once it says that it serves and is ready. */
  public Api ready() {
    Api.await(
        "the server is ready",
        LIMIT,
        () -> {
          assertTrue(process.isAlive(), this::log);
          return log().contains("serving ");
        });
    return Api.ready(URI.create("http://127.0.0.1:" + port));
  }

  /** Ends it by force, if it still runs. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}
