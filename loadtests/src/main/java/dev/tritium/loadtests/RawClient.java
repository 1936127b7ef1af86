package dev.tritium.loadtests;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import javax.net.ssl.SSLSocketFactory;

/**
 * A client on a bare socket, for what Gatling's cannot do: read slowly, leave before there is an
 * answer.
 */
final class RawClient implements AutoCloseable {
  private static final int ROOM_BYTES = 4_096; // of its receive buffer
  private static final int STATUS_BYTES = "HTTP/1.1 200".length();

  private final Socket socket;

  private RawClient(Socket socket) {
    this.socket = socket;
  }

  /** Sends a request for a completion. */
  static RawClient ask(Target target, String body) throws IOException {
    URI url = target.url();
    boolean secure = "https".equals(url.getScheme());
    int port = url.getPort() > 0 ? url.getPort() : secure ? 443 : 80;
    Socket socket = new Socket();
    try {
      socket.setReceiveBufferSize(ROOM_BYTES); // before it connects: the window follows from it
      socket.connect(new InetSocketAddress(url.getHost(), port), 10_000);
      if (secure) {
        SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
        socket = factory.createSocket(socket, url.getHost(), port, true);
      }
      byte[] payload = body.getBytes(StandardCharsets.UTF_8);
      String head =
          "POST %s/v1/completions HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
              .formatted(
                  url.getPath(),
                  url.getHost(),
                  target.key() == null ? "" : "Authorization: Bearer " + target.key() + "\r\n",
                  payload.length);
      socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
      socket.getOutputStream().write(payload);
      return new RawClient(socket);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /** What a slow reader met: a status of HTTP, 0 if none came, and whether the server ended it. */
  record Reading(int status, boolean ended) {}

  /** Reads a byte at a time with a pause after each, up to a time. */
  Reading read(Duration pause, Duration limit) throws InterruptedException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    boolean ended = false;
    try (socket) {
      socket.setSoTimeout((int) limit.toMillis());
      InputStream in = socket.getInputStream();
      for (long end = System.nanoTime() + limit.toNanos(); !ended && System.nanoTime() < end; ) {
        int one = in.read();
        ended = one < 0;
        if (head.size() < STATUS_BYTES) {
          head.write(one); // the status without a pause
        } else {
          Thread.sleep(pause);
        }
      }
    } catch (java.net.SocketTimeoutException e) {
      // nothing came: a stream that waits
    } catch (IOException e) {
      ended = true; // reset
    }
    String status = head.toString(StandardCharsets.ISO_8859_1).replaceFirst("^HTTP/1.1 ", "");
    return new Reading(status.matches("\\d{3}") ? Integer.parseInt(status) : 0, ended);
  }

  /** Leaves without a word. */
  @Override
  public void close() throws IOException {
    socket.close();
  }
}
