package dev.tritium.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.FakeHub;
import dev.tritium.testing.FakeHub.Request;
import dev.tritium.testing.Seeded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model from a hub, a CDN or a network that does not work as it should. */
class HubFaultsTest {
  private static final String WEIGHTS = "model.safetensors";

  @TempDir private Path home;
  private HubWorld world;

  @BeforeEach
  void open() throws IOException {
    world = new HubWorld(HubWorld.TINY, home);
  }

  @AfterEach
  void close() {
    world.close();
  }

  private static boolean isWeights(Request request) {
    return request.cdn() && request.file().equals(WEIGHTS);
  }

  /** Spoils the first {@code times} answers with the weights. */
  private void spoilWeights(int times, FakeHub.Fault fault) {
    AtomicInteger left = new AtomicInteger(times);
    world.hub.fault =
        (request, answer) -> {
          if (isWeights(request) && left.getAndDecrement() > 0) {
            fault.spoil(request, answer);
          }
        };
  }

  @Test
  void aCutDownloadGoesOnWhereItWasCut() {
    Seeded.check(
        10,
        random -> {
          try (HubWorld each =
              new HubWorld(HubWorld.TINY, home.resolve("case" + random.nextLong()))) {
            SplittableRandom points = random.split();
            each.hub.fault =
                (request, answer) -> {
                  if (request.method().equals("GET") && request.cdn()) {
                    synchronized (points) {
                      answer.cutAfter = points.nextInt(1, 800_000);
                    }
                  }
                };
            each.pull();
            each.assertWhole();
            each.assertNothingTwice();
            long sent = each.hub.sentBytes(WEIGHTS);
            long size = each.hub.content(WEIGHTS).length;
            // What was on its way when the connection broke comes again, and no more.
            assertTrue(sent < 2 * size, () -> sent + " bytes sent of " + size);
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
  }

  @Test
  void aRangeReliesOnTheHostsETag() {
    spoilWeights(1, (request, answer) -> answer.cutAfter = 100_000);
    world.pull();
    List<Request> asked = world.hub.downloads().stream().filter(HubFaultsTest::isWeights).toList();
    assertEquals(2, asked.size());
    assertEquals("\"cdn-" + world.hub.hash(WEIGHTS) + "\"", asked.get(1).ifRange());
    assertTrue(asked.get(1).first() > 0, asked::toString);
    world.assertWhole();
  }

  @Test
  void aHostThatIgnoresRangesIsReadFromTheFirstByte() {
    world.hub.fault =
        (request, answer) -> {
          answer.noRanges = true;
          if (isWeights(request) && request.range().isEmpty()) {
            answer.cutAfter = 1_000_000;
          }
        };
    world.pull();
    world.assertWhole();
  }

  @Test
  void aHostThatNeverComesFurtherEndsThePull() {
    world.hub.fault =
        (request, answer) -> {
          answer.noRanges = true;
          if (isWeights(request)) {
            answer.cutAfter = 100_000;
          }
        };
    assertTrue(world.failure().contains(WEIGHTS + ": the connection failed"));
    assertEquals(Set.of(world.partial(WEIGHTS).getFileName().toString()), world.partials());
  }

  @Test
  void aSilentConnectionIsCutAndGoesOn() {
    world.variables.put("HF_HUB_DOWNLOAD_TIMEOUT", "1");
    spoilWeights(1, (request, answer) -> answer.silentAfter = 100_000);
    world.pull();
    world.assertWhole();
    world.assertNothingTwice();
  }

  @Test
  void corruptBytesAreLoadedAnewOnceAndThenRefused() {
    spoilWeights(1, (request, answer) -> answer.body = corrupt());
    world.pull();
    world.assertWhole();

    spoilWeights(9, (request, answer) -> answer.body = corrupt());
    Removal.all(world.cache(), HubWorld.ID);
    String said = world.failure();
    assertTrue(said.contains(WEIGHTS + ": what the hub sends does not have the hash"), said);
    assertNothingKept();
  }

  private byte[] corrupt() {
    byte[] content = world.hub.content(WEIGHTS).clone();
    content[content.length / 2] ^= 1;
    return content;
  }

  private void assertNothingKept() {
    assertFalse(world.cache().find(HubWorld.ID).isPresent());
    assertFalse(Files.exists(world.blob(WEIGHTS)));
    assertFalse(Files.exists(world.model().resolve("refs")));
    world.assertNoneOrWhole();
  }

  @Test
  void aWrongBeginningOfAnEarlierRunIsLoadedAnew() throws IOException {
    Files.createDirectories(world.partial(WEIGHTS).getParent());
    Files.write(world.partial(WEIGHTS), Arrays.copyOf(corrupt(), 2_000_000));
    world.pull();
    world.assertWhole();
  }

  @Test
  void moreThanTheFileOfAnEarlierRunIsLoadedAnew() throws IOException {
    Files.createDirectories(world.partial(WEIGHTS).getParent());
    Files.write(world.partial(WEIGHTS), new byte[3_000_000]);
    world.pull();
    world.assertWhole();
  }

  @Test
  void aWrongSizeIsRefused() {
    world.hub.fault =
        (request, answer) -> {
          if (isWeights(request)) {
            answer.body = Arrays.copyOf(world.hub.content(WEIGHTS), 1_000_000);
          }
        };
    String said = world.failure();
    assertTrue(said.contains("states a size of 2248600 bytes and sends 1000000"), said);
    assertNothingKept();
  }

  @Test
  void aHubThatLiesAboutAnETagIsRefused() {
    String other = "ab".repeat(32);
    headerOfWeights("X-Linked-Etag", "\"" + other + "\"");
    assertTrue(world.failure().contains("the hub contradicts itself about " + WEIGHTS));
    assertNothingKept();
    headerOfWeights("X-Linked-Size", "1");
    assertTrue(world.failure().contains("the hub contradicts itself about " + WEIGHTS));
    headerOfWeights("X-Repo-Commit", "b".repeat(40));
    assertTrue(world.failure().contains("answers with commit bbbb"));
    // One that is no hash, and would be a path, is not used: the listing has the right one.
    headerOfWeights("X-Linked-Etag", "\"../../../../etc/passwd\"");
    world.pull();
    world.assertWhole();
  }

  private void headerOfWeights(String name, String value) {
    world.hub.fault =
        (request, answer) -> {
          if (request.path().endsWith("/resolve/" + FakeHub.COMMIT + "/" + WEIGHTS)) {
            answer.headers.put(name, value);
          }
        };
  }

  @Test
  void refusalsSayWhatToDo() {
    refuse(401, "RepoNotFound", "Repository not found");
    assertEquals(
        "acme/tiny-lm is not on %s, or private: check the name; for a private model set HF_TOKEN"
            .formatted(world.hub.endpoint()),
        world.failure());
    refuse(401, "GatedRepo", "Access to model acme/tiny-lm is restricted.");
    assertTrue(world.failure().contains("is gated: accept its conditions at"));
    refuse(404, "RevisionNotFound", "Invalid rev id: main");
    assertTrue(world.failure().contains("has no revision 'main'"));
    refuse(403, "", "Forbidden: token is restricted");
    String said = world.failure();
    assertTrue(said.contains("status 403") && said.contains("token is restricted"), said);
    world.variables.put("HF_TOKEN", "hf_x");
    refuse(403, "GatedRepo", "Access to model acme/tiny-lm is restricted.");
    assertTrue(world.failure().contains("the token's account may not read it"));
    refuse(404, "RepoNotFound", "Repository not found");
    assertTrue(world.failure().contains("or the token's account may not see it"));
    refuse(401, "", "Invalid credentials in Authorization header");
    assertTrue(world.failure().contains("does not accept the token"));
    assertFalse(Files.exists(world.model()), "nothing was made");
  }

  private void refuse(int status, String code, String message) {
    world.hub.fault = (request, answer) -> FakeHub.error(answer, status, code, message);
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 429, 500, 502, 503, 504})
  void aBusyHubIsAskedAgain(int status) {
    Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();
    world.hub.fault =
        (request, answer) -> {
          String what = request.method() + request.path();
          if (asked.computeIfAbsent(what, _ -> new AtomicInteger()).getAndIncrement() < 2) {
            answer.status = status;
            answer.headers.put("Retry-After", "0");
          }
        };
    world.pull();
    world.assertWhole();
  }

  @Test
  void anExpiredLinkToTheCdnIsFetchedAnew() {
    spoilWeights(2, (request, answer) -> answer.status = 403);
    world.pull();
    world.assertWhole();
    spoilWeights(99, (request, answer) -> answer.status = 403);
    Removal.all(world.cache(), HubWorld.ID);
    assertTrue(world.failure().endsWith(WEIGHTS + ": 127.0.0.1 answers: status 403"));
  }

  @Test
  void aHubThatStaysBusyEndsThePullInTheEnd() {
    world.hub.fault =
        (request, answer) -> {
          answer.status = 503;
        };
    assertTrue(world.failure().endsWith("acme/tiny-lm: 127.0.0.1 answers: status 503"));
    assertEquals(6, world.hub.requests.size());
    world.hub.fault =
        (request, answer) -> {
          answer.status = 429;
          answer.headers.put("Retry-After", "3600");
        };
    assertTrue(world.failure().contains("too many requests; it asks to come back in 3600 s"));
  }

  @Test
  void retryAfterIsWaitedFor() {
    AtomicInteger left = new AtomicInteger(1);
    world.hub.fault =
        (request, answer) -> {
          if (left.getAndDecrement() > 0) {
            answer.status = 429;
            answer.headers.put("RateLimit", "\"api\";r=0;t=1");
          }
        };
    long start = System.nanoTime();
    world.pull();
    assertTrue(System.nanoTime() - start >= 1_000_000_000L, "came back too early");
  }

  @Test
  void aHubThatIsNotThereIsNamed() {
    world.close();
    assertTrue(world.failure().contains("no connection"));
    world.variables.put("HF_ENDPOINT", "http://hub.invalid");
    assertTrue(world.failure().contains("no such host"));
  }

  @Test
  void somethingThatIsNoHubIsSaidToBeNone() {
    world.hub.fault =
        (request, answer) -> {
          answer.status = 200;
          answer.body = "<html>welcome</html>".getBytes(UTF_8);
        };
    assertTrue(world.failure().contains("is HF_ENDPOINT a hub?"));
  }

  @Test
  void namesThatLeadElsewhereAreNeverUsed() throws IOException {
    for (String name :
        List.of(
            "../../evil.json", "..", "/etc/evil", "a/config.json", "tokenizer\n.json", "C:evil")) {
      world.hub.files.put(name, new byte[] {1});
    }
    world.pull();
    assertEquals(Set.of("hub"), HubWorld.names(home), "only the cache was made");
    for (String name :
        List.of(
            "../../evil.json", "..", "/etc/evil", "a/config.json", "tokenizer\n.json", "C:evil")) {
      world.hub.files.remove(name);
    }
    world.assertWhole();
  }

  @Test
  void anIndexMayNotNameFilesElsewhere() throws IOException {
    world.close();
    world = new HubWorld(HubWorld.SHARDED, home);
    world.hub.files.put(
        "model.safetensors.index.json",
        "{\"weight_map\": {\"a\": \"../../../x.safetensors\"}}".getBytes(UTF_8));
    assertTrue(world.failure().contains("names '../../../x.safetensors'"));
    world.hub.files.put(
        "model.safetensors.index.json",
        "{\"weight_map\": {\"a\": \"gone.safetensors\"}}".getBytes(UTF_8));
    assertTrue(world.failure().contains("has no gone.safetensors, which its index names"));
  }

  @Test
  void picklesAreRefused() {
    world.hub.files.remove(WEIGHTS);
    String said = world.failure();
    assertTrue(said.contains("only as Python pickles (pytorch_model.bin)"), said);
  }

  @Test
  void aModelWithoutATokenizerIsRefused() {
    world.hub.files.remove("tokenizer.json");
    assertTrue(world.failure().contains("has no tokenizer.json"));
    assertEquals(1, world.hub.requests.size());
  }

  @Test
  void redirectsInACircleOrToOtherSchemesEnd() {
    headerOfWeights("Location", "/" + FakeHub.ID + "/resolve/" + FakeHub.COMMIT + "/" + WEIGHTS);
    assertTrue(world.failure().contains("redirects in a circle"));
    headerOfWeights("Location", "file:///etc/passwd");
    assertTrue(world.failure().contains("redirects to 'file:///etc/passwd'"));
  }

  @Test
  void moreThanTheDiskHoldsIsRefusedBeforeTheStart() {
    world.hub.fault =
        (request, answer) -> {
          if (request.path().endsWith("/resolve/" + FakeHub.COMMIT + "/" + WEIGHTS)) {
            answer.headers.put("X-Linked-Size", "900000000000000000");
          } else if (request.path().contains("/revision/")) {
            answer.status = 200;
            answer.body = listingWithoutSizes().getBytes(UTF_8);
          }
        };
    String said = world.failure();
    assertTrue(said.contains("takes 900000.0 TB more in"), said);
    assertTrue(world.hub.downloads().stream().noneMatch(HubFaultsTest::isWeights));
  }

  private String listingWithoutSizes() {
    StringBuilder siblings = new StringBuilder();
    world
        .hub
        .files
        .keySet()
        .forEach(
            name ->
                siblings
                    .append(siblings.isEmpty() ? "" : ",")
                    .append("{\"rfilename\": \"%s\"}".formatted(name)));
    return "{\"sha\": \"%s\", \"siblings\": [%s]}".formatted(FakeHub.COMMIT, siblings);
  }
}
