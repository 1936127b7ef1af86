package dev.tritium.hub;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tritium.checkpoint.CheckpointException;
import dev.tritium.checkpoint.Printable;
import dev.tritium.checkpoint.StrictJson;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The hub's protocol, as huggingface_hub speaks it (file_download.py, hf_api.py): a listing, the
 * metadata of a file, its bytes. Redirects are followed by hand: the token goes to the hub and to
 * nobody else, and what the hub says of a file stands in the redirect to where it lies.
 *
 * <p>Headers of Xet are left alone: every file of it can be had by HTTP as well.
 */
final class HubClient implements AutoCloseable {
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
  private static final int MAX_REDIRECTS = 8;
  private static final int MAX_LISTING_BYTES = 64 << 20;

  private final HubSettings settings;
  private final ModelId id;
  private final HttpClient http;

  /** A client for one model. */
  HubClient(HubSettings settings, ModelId id) {
    this.settings = settings;
    this.id = id;
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1) // files side by side get a connection each
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(settings.answerTimeout())
            .proxy(settings.proxies())
            .build();
  }

  /** An answer with its body, which must be closed. */
  record Answer(int status, HttpHeaders headers, InputStream body) implements Closeable {
    Optional<String> header(String name) {
      return headers.firstValue(name);
    }

    @Override
    public void close() throws IOException {
      body.close();
    }
  }

  /**
   * What the revision holds.
   *
   * @throws HubException if there is no such model or revision, it is not ours to see, or the hub
   *     cannot be reached
   */
  Listing listing() {
    URI uri = at("/api/models/%s/revision/%s?blobs=true", id.quotedRevision());
    return settings
        .retries()
        .send(
            id,
            () -> {
              try (Answer answer = send("GET", uri, Map.of(), true)) {
                byte[] body = answer.body().readNBytes(MAX_LISTING_BYTES);
                return Listing.parse(id, json(body));
              }
            });
  }

  private JsonNode json(byte[] body) {
    try {
      return StrictJson.object("the hub's listing of " + id, body);
    } catch (CheckpointException e) {
      throw new HubException(e.getMessage() + ": is HF_ENDPOINT a hub?", e);
    }
  }

  /**
   * A file's size and hash, by its headers and by the listing, which must agree.
   *
   * @throws HubException if the hub gives neither, or contradicts itself
   */
  RemoteFile describe(String commit, String name, Listing.Entry listed) {
    return settings
        .retries()
        .send(
            id + ": " + name,
            () -> {
              try (Answer answer = send("HEAD", address(commit, name), Map.of(), false)) {
                requireCommit(commit, name, answer);
                boolean redirected = REDIRECTS.contains(answer.status());
                Optional<String> hash =
                    answer
                        .header("X-Linked-Etag")
                        .or(() -> redirected ? Optional.empty() : answer.header("ETag"))
                        .flatMap(RemoteFile::hash);
                Optional<Long> bytes =
                    answer
                        .header("X-Linked-Size")
                        .or(() -> redirected ? Optional.empty() : answer.header("Content-Length"))
                        .filter(size -> size.matches("\\d{1,18}"))
                        .map(Long::valueOf);
                return RemoteFile.agreed(id, name, listed, new Listing.Entry(bytes, hash));
              }
            });
  }

  private void requireCommit(String commit, String name, Answer answer) {
    Optional<String> found = answer.header("X-Repo-Commit");
    if (found.isPresent() && !found.get().equals(commit)) {
      throw new HubException(
          "%s: asked for %s of commit %s, the hub answers with commit %s"
              .formatted(id, name, commit, Printable.of(found.get())));
    }
  }

  /**
   * The bytes of a file from {@code first} on; the answer may begin at 0 all the same.
   *
   * @param etag what {@code first} bytes of it came with, or empty
   */
  Answer open(String commit, String name, long first, String etag) throws IOException {
    Map<String, String> range = first == 0 ? Map.of() : Map.of("Range", "bytes=" + first + "-");
    if (first > 0 && !etag.isEmpty()) {
      range = Map.of("Range", "bytes=" + first + "-", "If-Range", etag);
    }
    return send("GET", address(commit, name), range, true);
  }

  private URI address(String commit, String name) {
    return URI.create(
        "%s/%s/resolve/%s/%s".formatted(settings.endpoint(), id.repository(), commit, name));
  }

  private URI at(String path, String revision) {
    return URI.create(settings.endpoint() + path.formatted(id.repository(), revision));
  }

  /**
   * Sends a request, once.
   *
   * @param elsewhere whether a redirect away from the hub is followed; else it is the answer
   * @return a success, a 416, or the redirect
   * @throws IOException if the network fails or the hub is busy, which may pass
   * @throws HubException if the hub refuses
   */
  private Answer send(String method, URI first, Map<String, String> headers, boolean elsewhere)
      throws IOException {
    URI uri = first;
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      Answer answer = once(method, uri, headers);
      boolean returned = false;
      try {
        Optional<String> location = answer.header("Location");
        if (REDIRECTS.contains(answer.status()) && location.isPresent()) {
          URI target = target(uri, location.get());
          returned = !elsewhere && !isHub(target);
          if (returned) {
            return answer;
          }
          uri = target;
          continue;
        }
        returned = answer.status() < 300 || answer.status() == 416;
        if (returned) {
          return answer;
        }
        // A host that the hub sends us to has nothing against us: the next link to it may be good.
        if (Refusal.isPassing(answer.status()) || !isHub(uri)) {
          throw Refusal.passing(answer.status(), answer.headers(), uri);
        }
        throw Refusal.lasting(answer.status(), answer.headers(), uri, settings, id);
      } finally {
        if (!returned) {
          answer.close();
        }
      }
    }
    throw new HubException("%s: the hub redirects in a circle at %s".formatted(id, first));
  }

  private Answer once(String method, URI uri, Map<String, String> headers) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .method(method, HttpRequest.BodyPublishers.noBody())
            .header("User-Agent", "tritium; java/" + Runtime.version().feature())
            .header("Accept-Encoding", "identity"); // sizes and ranges are those of the file
    headers.forEach(request::header);
    if (isHub(uri)) {
      settings.token().ifPresent(t -> request.header("Authorization", "Bearer " + t.value()));
    }
    settings.proxies().authorization(uri).ifPresent(a -> request.header("Proxy-Authorization", a));
    HttpResponse<InputStream> response = response(request.build());
    return new Answer(response.statusCode(), response.headers(), response.body());
  }

  /** Waits for the head of an answer; a request's own timeout may count its body from JDK 26 on. */
  private HttpResponse<InputStream> response(HttpRequest request) throws IOException {
    var sent = http.sendAsync(request, BodyHandlers.ofInputStream());
    try {
      return sent.get(settings.answerTimeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      sent.cancel(true);
      throw new HttpTimeoutException(request.uri().getHost() + " is silent");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      sent.cancel(true);
      Thread.currentThread().interrupt();
      throw new HubException("interrupted", e);
    }
  }

  private URI target(URI from, String location) {
    try {
      URI target = from.resolve(location);
      String scheme = String.valueOf(target.getScheme()).toLowerCase(Locale.ROOT);
      if (target.getHost() != null
          && (scheme.equals("https")
              || (scheme.equals("http") && scheme.equals(from.getScheme())))) {
        return target;
      }
    } catch (IllegalArgumentException e) {
      // said below
    }
    throw new HubException(
        "%s: %s redirects to '%s', which is no address to go to from there"
            .formatted(id, from.getHost(), Printable.of(location)));
  }

  /** Whether an address is the hub's own: the same scheme, host and port. */
  private boolean isHub(URI uri) {
    URI hub = settings.endpoint();
    return uri.getScheme().equalsIgnoreCase(hub.getScheme())
        && uri.getHost().equalsIgnoreCase(hub.getHost())
        && port(uri) == port(hub);
  }

  private static int port(URI uri) {
    return uri.getPort() >= 0
        ? uri.getPort()
        : uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
