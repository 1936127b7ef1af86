package dev.tritium.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import java.util.concurrent.TimeUnit;

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
    List<String> serve = List.of("serve", "--port", String.valueOf(port));
    return new PackagedServer(process(log, environment, List.of(javaOptions), serve), port, log);
  }

  /** Runs another command of the application to its end, which must be a good one. */
  public static void run(Path log, Map<String, String> environment, List<String> arguments)
      throws IOException, InterruptedException {
    Process process = process(log, environment, List.of(), arguments);
    try {
      assertTrue(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS), "it takes too long");
      assertEquals(0, process.exitValue(), Files.readString(log));
    } finally {
      process.destroyForcibly();
    }
  }

  private static Process process(
      Path log, Map<String, String> environment, List<String> javaOptions, List<String> arguments)
      throws IOException {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    ProcessBuilder builder =
        new ProcessBuilder(java.toString(), "@src/main/jvm/args", "-Dtritium.home=.");
    builder.command().addAll(javaOptions);
    builder.command().addAll(List.of("-jar", "target/quarkus-app/quarkus-run.jar"));
    builder.command().addAll(arguments);
    builder.environment().putAll(environment);
    return builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
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
