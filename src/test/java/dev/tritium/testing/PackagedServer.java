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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The packaged application, serving the bundled model on a port of its own until it is closed. */
public final class PackagedServer implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String ARGUMENTS = "@src/main/jvm/args";
  private static final Path APPLICATION = Path.of("target/quarkus-app/quarkus-run.jar");
  private static final Path CLASSES = Path.of("target/classes.jsa");

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
    List<String> options = new ArrayList<>(jvmOptions());
    options.addAll(javaOptions);
    ProcessBuilder builder = new ProcessBuilder(command(options, arguments));
    builder.environment().putAll(environment);
    return builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
  }

  /** The command line of the packaged application in this checkout. */
  public static List<String> command(List<String> javaOptions, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(javaOptions);
    command.addAll(List.of("-Dtritium.home=.", "-jar", APPLICATION.toString()));
    command.addAll(arguments);
    return command;
  }

  /**
   * What ./tritium starts every JVM with. As it does after a build, the first call archives the
   * classes that a start loads, so that each start is a second shorter.
   */
  public static synchronized List<String> jvmOptions() throws IOException {
    if (!Files.exists(CLASSES)
        || Files.getLastModifiedTime(CLASSES).compareTo(Files.getLastModifiedTime(APPLICATION))
            < 0) {
      archiveClasses();
    }
    return List.of(
        ARGUMENTS, "-XX:SharedArchiveFile=" + CLASSES, "-Xlog:cds=off", "-Xlog:cds+dynamic=off");
  }

  private static void archiveClasses() throws IOException {
    List<String> options =
        List.of(ARGUMENTS, "-XX:ArchiveClassesAtExit=" + CLASSES, "-Dtritium.exit-when-ready=true");
    Path log = CLASSES.resolveSibling("classes.log");
    Process process =
        new ProcessBuilder(command(options, List.of("serve", "--port", "0")))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      assertTrue(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS), "it takes too long");
      assertEquals(0, process.exitValue(), Files.readString(log));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } finally {
      process.destroyForcibly();
    }
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
