package dev.tritium.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

/**
 * A hub with one model, on loopback, that speaks huggingface.co's protocol: the API's listings; for
 * files in git a redirect within the hub; for those of LFS and Xet one to a second host, the CDN,
 * with the linked file's size and hash; ETags and ranges; errors with their codes.
 *
 * <p>What goes wrong is up to {@link #fault}.
 */
public final class FakeHub implements AutoCloseable {
  /** The model's id, and its commit on the branch {@code main}. */
  public static final String ID = "acme/tiny-lm";

  public static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** A request, and what was sent for it. */
  public record Request(
      boolean cdn, String method, String path, String range, String ifRange, boolean token) {
    /** The file's name, or the last part of another path. */
    public String file() {
      return path.substring(path.lastIndexOf('/') + 1);
    }

    /** The first byte that is asked for. */
    public long first() {
      return range.isEmpty() ? 0 : Long.parseLong(range.replaceAll("bytes=(\\d+)-.*", "$1"));
    }
  }

  /** What is sent instead of the right answer; null fields are left right. */
  public static final class Answer {
    /** Another status, without the body. */
    public int status;

    public final Map<String, String> headers = new TreeMap<>(); // more of them, or others
    public byte[] body = {};

    /** The connection is cut after so many bytes of the body. */
    public long cutAfter = Long.MAX_VALUE;

    /** Ranges are ignored. */
    public boolean noRanges;

    /** Nothing more comes after so many bytes, for as long as the hub is open. */
    public long silentAfter = Long.MAX_VALUE;

    /** Bytes are sent in small pieces, a millisecond each. */
    public boolean slowly;
  }

  /** Spoils answers. */
  public interface Fault {
    /** May change the answer to a request. */
    void spoil(Request request, Answer answer);
  }

  /** Requests in the order that they came in. */
  public final List<Request> requests = new CopyOnWriteArrayList<>();

  /** The model's files by name; those of LFS are the safetensors files and tokenizer.json. */
  public final Map<String, byte[]> files = new TreeMap<>();

  /** Set before requests come; called with each. */
  public volatile Fault fault = (request, answer) -> {};

  /** Told how many bytes of files have been sent so far. */
  public volatile LongConsumer sent = total -> {};

  /** If not empty, what Authorization must be. */
  public volatile String authorization = "";

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer hub;
  private final HttpServer cdn;
  private final AtomicLong sentBytes = new AtomicLong();
  private final Map<String, AtomicLong> sentOf = new ConcurrentHashMap<>();

  /** A hub with the files of a folder. */
  public FakeHub(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      for (Path file : all.toList()) {
        files.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    files.put(".gitattributes", "*.safetensors filter=lfs\n".getBytes(UTF_8));
    files.put("pytorch_model.bin", "a pickle".getBytes(UTF_8));
    files.put("modeling_tiny.py", "import os\n".getBytes(UTF_8));
    hub = server(false);
    cdn = server(true);
  }

  private HttpServer server(boolean isCdn) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", exchange -> handle(exchange, isCdn));
    server.start();
    return server;
  }

  /** The hub's address, for {@code HF_ENDPOINT}. */
  public String endpoint() {
    return "http://127.0.0.1:" + hub.getAddress().getPort();
  }

  private String cdnAddress() {
    return "http://127.0.0.1:" + cdn.getAddress().getPort();
  }

  /** What one of the files holds. */
  public byte[] content(String name) {
    return Objects.requireNonNull(files.get(name), name);
  }

  /** Bytes of files that were sent so far. */
  public long sentBytes() {
    return sentBytes.get();
  }

  /** Bytes of a file's content that were sent so far. */
  public long sentBytes(String file) {
    return sentOf.getOrDefault(file, new AtomicLong()).get();
  }

  /** Requests for the bytes of files, from the host that has them. */
  public List<Request> downloads() {
    return requests.stream()
        .filter(r -> r.method.equals("GET"))
        .filter(r -> r.cdn || r.path.startsWith("/api/resolve-cache/"))
        .toList();
  }

  private void handle(HttpExchange exchange, boolean isCdn) throws IOException {
    try (exchange) {
      Request request =
          new Request(
              isCdn,
              exchange.getRequestMethod(),
              exchange.getRequestURI().getPath(),
              first(exchange, "Range"),
              first(exchange, "If-Range"),
              !first(exchange, "Authorization").isEmpty());
      requests.add(request);
      Answer answer = new Answer();
      if (!isCdn
          && !authorization.isEmpty()
          && !authorization.equals(first(exchange, "Authorization"))) {
        error(answer, 401, "RepoNotFound", "Repository not found");
      }
      fault.spoil(request, answer);
      if (answer.status != 0) {
        send(exchange, request, answer, answer.status, answer.body);
      } else if (isCdn) {
        content(exchange, request, answer, "\"cdn-" + hash(request.file()) + "\"");
      } else {
        answer(exchange, request, answer);
      }
    }
  }

  private static String first(HttpExchange exchange, String header) {
    return Optional.ofNullable(exchange.getRequestHeaders().getFirst(header)).orElse("");
  }

  /** An error as the hub states it. */
  public static void error(Answer answer, int status, String code, String message) {
    answer.status = status;
    answer.headers.put("X-Error-Code", code);
    answer.headers.put("X-Error-Message", message);
    answer.body = "{\"error\":\"no\"}".getBytes(UTF_8);
  }

  private void answer(HttpExchange exchange, Request request, Answer answer) throws IOException {
    String path = request.path;
    String api = "/api/models/" + ID;
    if (path.startsWith(api + "/revision/")) {
      revision(exchange, request, answer, path.substring((api + "/revision/").length()));
    } else if (path.startsWith(api + "/tree/")) {
      send(exchange, request, answer, 200, JSON.writeValueAsBytes(tree()));
    } else if (path.startsWith("/" + ID + "/resolve/")) {
      resolve(exchange, request, answer);
    } else if (path.startsWith("/api/resolve-cache/models/" + ID + "/" + COMMIT + "/")) {
      answer.headers.putIfAbsent("X-Repo-Commit", COMMIT);
      content(exchange, request, answer, "\"" + hash(request.file()) + "\"");
    } else {
      error(answer, 404, "RepoNotFound", "Repository not found");
      send(exchange, request, answer, answer.status, answer.body);
    }
  }

  private static boolean isKnown(String revision) {
    return List.of("main", "v1.0", "refs/pr/1", COMMIT)
        .contains(URLDecoder.decode(revision, UTF_8));
  }

  private void revision(HttpExchange exchange, Request request, Answer answer, String revision)
      throws IOException {
    if (!isKnown(revision)) {
      error(answer, 404, "RevisionNotFound", "Invalid rev id: " + revision);
      send(exchange, request, answer, answer.status, answer.body);
      return;
    }
    List<Object> siblings = new ArrayList<>();
    for (String name : files.keySet()) {
      Map<String, Object> sibling = new TreeMap<>(Map.of("rfilename", name));
      sibling.put("size", content(name).length);
      sibling.put("blobId", gitHash(content(name)));
      if (isLfs(name)) {
        sibling.put(
            "lfs", Map.of("sha256", hash(name), "size", content(name).length, "pointerSize", 134));
      }
      siblings.add(sibling);
    }
    send(
        exchange,
        request,
        answer,
        200,
        JSON.writeValueAsBytes(
            Map.of(
                "id", ID, "modelId", ID, "sha", COMMIT, "private", false, "siblings", siblings)));
  }

  private List<Object> tree() {
    List<Object> all = new ArrayList<>();
    for (String name : files.keySet()) {
      Map<String, Object> entry = new TreeMap<>(Map.of("type", "file", "path", name));
      entry.put("oid", gitHash(content(name)));
      entry.put("size", content(name).length);
      if (isLfs(name)) {
        entry.put(
            "lfs", Map.of("oid", hash(name), "size", content(name).length, "pointerSize", 134));
        entry.put("xetHash", hash("xet" + name));
      }
      all.add(entry);
    }
    return all;
  }

  private void resolve(HttpExchange exchange, Request request, Answer answer) throws IOException {
    String name = request.file();
    if (!files.containsKey(name)) {
      error(answer, 404, "EntryNotFound", "Entry not found");
      send(exchange, request, answer, answer.status, answer.body);
      return;
    }
    answer.headers.putIfAbsent("X-Repo-Commit", COMMIT);
    if (isLfs(name)) {
      answer.headers.putIfAbsent("X-Linked-Etag", "\"" + hash(name) + "\"");
      answer.headers.putIfAbsent("X-Linked-Size", String.valueOf(content(name).length));
      answer.headers.putIfAbsent("X-Xet-Hash", hash("xet" + name));
      answer.headers.putIfAbsent(
          "Link",
          "<%s/api/models/%s/xet-read-token/%s>; rel=\"xet-auth\""
              .formatted(endpoint(), ID, COMMIT));
      answer.headers.putIfAbsent("ETag", "\"of-the-redirect\"");
      answer.headers.putIfAbsent(
          "Location",
          cdnAddress()
              + "/xet-bridge/"
              + name
              + "?Expires=1&response-content-disposition=inline%3B+filename*%3DUTF-8%27%27x");
      send(exchange, request, answer, 302, new byte[0]);
    } else {
      answer.headers.putIfAbsent(
          "Location",
          "/api/resolve-cache/models/%s/%s/%s?etag=%%22x%%22".formatted(ID, COMMIT, name));
      send(exchange, request, answer, 307, new byte[0]);
    }
  }

  private void content(HttpExchange exchange, Request request, Answer answer, String etag)
      throws IOException {
    byte[] content = answer.body.length > 0 ? answer.body : content(request.file());
    answer.headers.putIfAbsent("ETag", etag);
    answer.headers.putIfAbsent("Accept-Ranges", "bytes");
    boolean valid = request.ifRange.isEmpty() || request.ifRange.equals(answer.headers.get("ETag"));
    if (request.range.isEmpty() || answer.noRanges || !valid) {
      send(exchange, request, answer, 200, content);
    } else if (request.first() >= content.length) {
      answer.headers.put("Content-Range", "bytes */" + content.length);
      send(exchange, request, answer, 416, new byte[0]);
    } else {
      int first = (int) request.first();
      answer.headers.putIfAbsent(
          "Content-Range", "bytes %d-%d/%d".formatted(first, content.length - 1, content.length));
      send(exchange, request, answer, 206, Arrays.copyOfRange(content, first, content.length));
    }
  }

  private void send(HttpExchange exchange, Request request, Answer answer, int status, byte[] body)
      throws IOException {
    answer.headers.forEach(exchange.getResponseHeaders()::set);
    if (request.method.equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    if (body.length > 0) {
      boolean isFile = (status == 200 && files.containsKey(request.file())) || status == 206;
      write(exchange.getResponseBody(), request, answer, body, isFile);
    }
  }

  private void write(OutputStream out, Request request, Answer answer, byte[] body, boolean isFile)
      throws IOException {
    int piece = answer.slowly ? 1 << 14 : 1 << 16;
    for (int at = 0; at < body.length; ) {
      int end = (int) Math.min(Math.min(body.length, at + (long) piece), answer.cutAfter);
      end = (int) Math.min(end, Math.max(at, answer.silentAfter));
      out.write(body, at, end - at);
      out.flush();
      if (isFile) {
        sentOf.computeIfAbsent(request.file(), _ -> new AtomicLong()).addAndGet(end - at);
        sent.accept(sentBytes.addAndGet(end - at));
      }
      at = end;
      if (at >= answer.cutAfter) {
        return; // closing the exchange cuts the connection, as bytes are missing
      }
      pause(at >= answer.silentAfter ? 3_600_000 : answer.slowly ? 1 : 0);
    }
  }

  private static void pause(long millis) throws IOException {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("the hub closes", e);
    }
  }

  private static boolean isLfs(String name) {
    return name.endsWith(".safetensors") || name.equals("tokenizer.json");
  }

  /** What the hub names a file's content by: the name of its blob. */
  public String hash(String name) {
    byte[] content = files.getOrDefault(name, name.getBytes(UTF_8));
    return isLfs(name) || !files.containsKey(name) ? hex("SHA-256", content) : gitHash(content);
  }

  private static String gitHash(byte[] content) {
    byte[] head = ("blob " + content.length + "\0").getBytes(UTF_8);
    byte[] all = Arrays.copyOf(head, head.length + content.length);
    System.arraycopy(content, 0, all, head.length, content.length);
    return hex("SHA-1", all);
  }

  private static String hex(String algorithm, byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new UncheckedIOException(new IOException(e));
    }
  }

  @Override
  public void close() {
    hub.stop(0);
    cdn.stop(0);
    threads.shutdownNow();
  }
}
