package dev.tritium.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code tritium health}: whether a server here is healthy, for where no other client is, such as
 * in a container. Readiness is not asked: a full queue or a drain is no illness.
 */
@Command(
    name = "health",
    description = {
      "Asks a server on this machine whether its models are loaded and its engine works.",
      "The exit status is 0 if it says so."
    },
    mixinStandardHelpOptions = true)
final class HealthCommand implements Callable<Integer> {
  private static final int TIMEOUT_MILLIS = 5_000;

  @Spec private CommandSpec spec;

  @Option(
      names = "--host",
      paramLabel = "H",
      defaultValue = "127.0.0.1",
      description = "Address that the server listens on. Default: 127.0.0.1.")
  private String host = "";

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8080",
      description = "Port of the server. Default: 8080.")
  private int port;

  @Override
  public Integer call() {
    for (String probe : new String[] {"started", "live"}) {
      String failure = failure(probe);
      if (failure != null) {
        spec.commandLine().getErr().println("tritium: " + failure);
        return ExitCode.SOFTWARE;
      }
    }
    spec.commandLine().getOut().println("healthy");
    return ExitCode.OK;
  }

  /** Why a probe is not up, or null. */
  private @Nullable String failure(String probe) {
    String where = "%s port %d".formatted(host, port);
    try {
      URI uri = new URI("http", null, reachable(host), port, "/q/health/" + probe, null, null);
      HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection(Proxy.NO_PROXY);
      connection.setConnectTimeout(TIMEOUT_MILLIS);
      connection.setReadTimeout(TIMEOUT_MILLIS);
      int status = connection.getResponseCode();
      if (status == HttpURLConnection.HTTP_OK) {
        return null;
      }
      try (InputStream body = connection.getErrorStream()) {
        String said = body == null ? "nothing" : new String(body.readAllBytes(), UTF_8).strip();
        return "%s: the probe %s has status %d: %s".formatted(where, probe, status, said);
      }
    } catch (IOException e) {
      return "%s: no answer: %s".formatted(where, e.getMessage());
    } catch (URISyntaxException e) {
      return "%s: not an address: %s".formatted(where, e.getMessage());
    }
  }

  /** An address to reach a server at that listens on {@code host}, which may be all addresses. */
  private static String reachable(String host) throws UnknownHostException {
    InetAddress address = InetAddress.getByName(host);
    return address.isAnyLocalAddress() ? InetAddress.getLoopbackAddress().getHostAddress() : host;
  }
}
