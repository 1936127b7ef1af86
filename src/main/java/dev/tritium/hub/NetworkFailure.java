package dev.tritium.hub;

import dev.tritium.checkpoint.Printable;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import javax.net.ssl.SSLHandshakeException;

/** What a failure of the network means to a user. */
final class NetworkFailure {
  private NetworkFailure() {}

  /** Whether trying again may help: a certificate that is not trusted will not be later on. */
  static boolean mayPass(IOException failure) {
    return !(failure instanceof SSLHandshakeException);
  }

  /** In one line, with what to do where that is known. */
  static String describe(IOException failure) {
    String said = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    String shown = Printable.of(said.replaceAll("\\s+", " "));
    if (isUnresolved(failure)) {
      return "no such host (%s): check HF_ENDPOINT, the network, and HTTPS_PROXY if there is a proxy"
          .formatted(shown);
    }
    return switch (failure) {
      case Retries.Busy _ -> shown;
      case SSLHandshakeException _ ->
          "%s: where a proxy has a certificate of its own, name a store that has it in TRITIUM_JAVA_OPTS=-Djavax.net.ssl.trustStore=FILE"
              .formatted(shown);
      case HttpTimeoutException _ -> "no answer in time (%s)".formatted(shown);
      case ConnectException _ ->
          "no connection (%s): check the network, and HTTPS_PROXY if there is a proxy"
              .formatted(shown);
      default -> "the connection failed: " + shown;
    };
  }

  private static boolean isUnresolved(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnresolvedAddressException || cause instanceof UnknownHostException) {
        return true;
      }
    }
    return false;
  }
}
