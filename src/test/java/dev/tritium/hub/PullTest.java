package dev.tritium.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.checkpoint.CheckpointException;
import dev.tritium.testing.FakeHub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model from a hub that works. */
class PullTest {
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

  @Test
  void theCacheHasTheLayoutOfPythonsTools() throws IOException {
    Path snapshot = world.pull();
    assertEquals(world.model().resolve("snapshots").resolve(FakeHub.COMMIT), snapshot);
    assertEquals(FakeHub.COMMIT, Files.readString(world.model().resolve("refs/main")));
    for (String name : world.wanted()) {
      assertEquals(
          Path.of("../../blobs", world.hub.hash(name)),
          Files.readSymbolicLink(snapshot.resolve(name)));
    }
    world.assertWhole();
  }

  @Test
  void onlyWhatIsNeededIsAskedFor() {
    world.pull();
    Set<String> asked = new TreeSet<>();
    world.hub.requests.stream()
        .filter(r -> r.path().contains("/resolve/") || r.cdn())
        .forEach(r -> asked.add(r.file()));
    assertEquals(world.wanted(), asked);
    world.assertNothingTwice();
  }

  @Test
  void shardsAreThoseOfTheIndex() throws IOException {
    world.close();
    world = new HubWorld(HubWorld.SHARDED, home);
    world.hub.files.put("consolidated.safetensors", new byte[8]);
    Path snapshot = world.pull();
    world.hub.files.remove("consolidated.safetensors");
    world.assertWhole();
    assertFalse(Files.exists(snapshot.resolve("consolidated.safetensors")));
  }

  @Test
  void aSecondPullLoadsNothing() {
    world.pull();
    int downloads = world.hub.downloads().size();
    world.pull();
    assertEquals(downloads, world.hub.downloads().size());
  }

  @Test
  void forACommitThatIsThereNoHubIsAsked() throws IOException {
    String commit = FakeHub.ID + "@" + FakeHub.COMMIT;
    Path snapshot = world.pull(commit);
    int requests = world.hub.requests.size();
    world.variables.put("HF_HUB_OFFLINE", "1");
    assertEquals(snapshot, world.pull(commit));
    assertEquals(requests, world.hub.requests.size());

    world.variables.remove("HF_HUB_OFFLINE");
    Files.delete(world.blob("tokenizer.json"));
    world.pull(commit);
    assertTrue(world.cache().find(ModelId.require(commit)).isPresent(), "what is missing comes");

    int before = world.hub.requests.size();
    Files.delete(world.model().resolve(".tritium").resolve(FakeHub.COMMIT + ".json"));
    world.pull(commit);
    assertTrue(world.hub.requests.size() > before, "Python may not have loaded all of it");
  }

  @Test
  void whatPythonHasLoadedIsNotLoadedAgain() throws IOException {
    Path snapshot = world.model().resolve("snapshots").resolve(FakeHub.COMMIT);
    Files.createDirectories(snapshot);
    Files.createDirectories(world.blob("model.safetensors").getParent());
    Files.write(world.blob("model.safetensors"), world.hub.content("model.safetensors"));
    Files.createSymbolicLink(
        snapshot.resolve("model.safetensors"),
        Path.of("../../blobs", world.hub.hash("model.safetensors")));
    world.pull();
    assertEquals(0, world.hub.sentBytes("model.safetensors"));
    world.assertWhole();
  }

  @Test
  void aModelThatPythonHasLoadedInPartIsNotWhole() throws IOException {
    world.pull();
    Path snapshot = world.cache().find(HubWorld.ID).orElseThrow();
    Path manifest = world.model().resolve(".tritium").resolve(FakeHub.COMMIT + ".json");
    Files.delete(manifest);
    assertTrue(world.cache().find(HubWorld.ID).isPresent(), "has all that any model needs");
    Path list = world.model().resolve("trees").resolve(FakeHub.COMMIT + ".json");
    Files.createDirectories(list.getParent());
    Files.writeString(
        list,
        """
        {"format_version": 1, "files": {"config.json": {}, "tokenizer.json": {},
        "model.safetensors": {}, "README.md": {}, "chat_template.jinja": {}}}""");
    assertFalse(world.cache().find(HubWorld.ID).isPresent(), "its chat template is missing");
    Files.writeString(snapshot.resolve("chat_template.jinja"), "{{ messages }}");
    assertTrue(world.cache().find(HubWorld.ID).isPresent());
    Files.delete(snapshot.resolve("tokenizer.json"));
    assertFalse(world.cache().find(HubWorld.ID).isPresent());
  }

  @Test
  void revisionsHaveTheirNames() throws IOException {
    world.pull(FakeHub.ID + "@refs/pr/1");
    assertEquals(FakeHub.COMMIT, Files.readString(world.model().resolve("refs/refs/pr/1")));
    assertFalse(world.cache().find(HubWorld.ID).isPresent(), "nobody knows what main is");
    ModelId commit = ModelId.require(FakeHub.ID + "@" + FakeHub.COMMIT);
    assertTrue(world.cache().find(commit).isPresent());
    world.pull(commit.toString());
    assertEquals(
        Set.of("refs"), HubWorld.names(world.model().resolve("refs")), "a commit needs no name");
  }

  @Test
  void theTokenGoesToTheHubAndNowhereElse() {
    world.variables.put("HF_TOKEN", "hf_secret");
    world.hub.authorization = "Bearer hf_secret";
    world.pull();
    assertTrue(world.hub.requests.stream().anyMatch(FakeHub.Request::cdn));
    for (FakeHub.Request request : world.hub.requests) {
      assertEquals(!request.cdn(), request.token(), request::toString);
    }
    assertFalse(world.settings().toString().contains("hf_secret"), "settings may be logged");
  }

  @Test
  void theTokenOfALoginIsFound() throws IOException {
    Files.writeString(home.resolve("token"), "hf_of_a_login\n");
    world.hub.authorization = "Bearer hf_of_a_login";
    world.pull();
    world.assertWhole();
  }

  @Test
  void whereLinksAreNotWantedFilesAreCopies() throws IOException {
    world.variables.put("HF_HUB_DISABLE_SYMLINKS", "1");
    Path snapshot = world.pull();
    assertFalse(Files.isSymbolicLink(snapshot.resolve("config.json")));
    world.assertWhole();
  }

  @Test
  void theConfigurationIsCheckedBeforeTheWeightsCome() {
    assertThrows(
        CheckpointException.class,
        () ->
            Pull.run(
                world.settings(),
                HubWorld.ID,
                config -> {
                  throw config.unexpected("model_type", "another");
                },
                PullProgress.NONE));
    assertEquals(
        List.of("config.json"), world.hub.downloads().stream().map(FakeHub.Request::file).toList());
  }

  @Test
  void offlineOnlyTheCacheIsUsed() {
    world.pull();
    int requests = world.hub.requests.size();
    world.variables.put("HF_HUB_OFFLINE", "1");
    assertTrue(world.failure().contains("HF_HUB_OFFLINE"));
    assertTrue(world.cache().find(HubWorld.ID).isPresent());
    assertEquals(requests, world.hub.requests.size());
  }

  @Test
  void aProxyOfTheEnvironmentIsUsed() {
    world.variables.put("HF_ENDPOINT", "http://hub.invalid");
    world.variables.put("HTTP_PROXY", world.hub.endpoint()); // which takes any host's requests
    world.variables.put("NO_PROXY", "127.0.0.1"); // the CDN
    world.pull();
    world.assertWhole();
  }

  @Test
  void progressCountsEveryByteOnce() {
    List<Long> received = new ArrayList<>();
    List<FileProgress> seen = new ArrayList<>();
    Pull.run(
        world.settings(),
        HubWorld.ID,
        config -> {},
        new PullProgress() {
          @Override
          public void begins(ModelId id, String commit, List<FileProgress> files) {
            assertEquals(FakeHub.COMMIT, commit);
            seen.addAll(files);
          }

          @Override
          public void ticks() {}

          @Override
          public void ends() {
            seen.forEach(file -> received.add(file.receivedBytes()));
          }
        });
    assertEquals(world.wanted().size() - 1, seen.size(), "all but config.json, which came before");
    for (int i = 0; i < seen.size(); i++) {
      FileProgress file = seen.get(i);
      assertEquals(world.hub.content(file.name()).length, received.get(i), file::name);
      assertEquals(file.bytes(), file.doneBytes());
      assertEquals(FileProgress.State.DONE, file.state());
    }
  }
}
