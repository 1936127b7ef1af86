package dev.tritium.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.hub.CachedSnapshot;
import dev.tritium.hub.HubCache;
import dev.tritium.hub.HubSettings;
import dev.tritium.hub.ModelId;
import dev.tritium.hub.Pull;
import dev.tritium.hub.PullProgress;
import dev.tritium.hub.Verification;
import dev.tritium.testing.FakeHub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One cache for Tritium and huggingface_hub; what Python does is in src/contract/python/cache.py.
 */
class HubCacheIT {
  private static final Path PYTHON = Script.CLIENTS.resolve("python/bin/python");
  private static final ModelId ID = ModelId.require(FakeHub.ID);

  @TempDir private Path home;
  private FakeHub hub;
  private Map<String, String> variables;

  @BeforeEach
  void open() throws IOException {
    if (!Files.exists(PYTHON)) {
      Script.missing(PYTHON);
    }
    hub = new FakeHub(Path.of("src/test/resources/golden/hgrn-odd"));
    variables = Map.of("HF_ENDPOINT", hub.endpoint(), "HF_HOME", home.toString());
    variables.forEach(System::setProperty);
  }

  @AfterEach
  void close() {
    if (hub != null) {
      variables.keySet().forEach(System::clearProperty);
      hub.close();
    }
  }

  private List<String> python(Map<String, String> more, String... arguments) throws Exception {
    Map<String, String> environment = new HashMap<>(variables);
    environment.put("HF_HUB_DISABLE_XET", "1"); // loopback has no server of Xet
    environment.put("HF_HUB_DISABLE_PROGRESS_BARS", "1");
    environment.putAll(more);
    String[] command =
        Stream.concat(
                Stream.of(PYTHON.toString(), "src/contract/python/cache.py"), Stream.of(arguments))
            .toArray(String[]::new);
    Script.Run run = Script.run(Path.of("").toAbsolutePath(), environment, command);
    assertEquals(0, run.status(), run::log);
    return run.lines();
  }

  private static HubCache cache() {
    return new HubCache(HubSettings.read().cache());
  }

  private static Path pull() {
    return Pull.run(HubSettings.read(), ID, config -> {}, PullProgress.NONE);
  }

  @Test
  void pythonFindsOfflineWhatTritiumHasLoaded() throws Exception {
    Path snapshot = pull();
    List<String> found =
        python(
            Map.of("HF_HUB_OFFLINE", "1"),
            "find",
            FakeHub.ID,
            "config.json",
            "tokenizer.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors");
    assertEquals(List.of(snapshot.toString()), found);
    List<String> scanned = python(Map.of(), "scan");
    assertEquals(1, scanned.size(), scanned::toString); // and no warning
    assertTrue(
        scanned.getFirst().startsWith(FakeHub.ID + " " + FakeHub.COMMIT + " main "),
        scanned::toString);
  }

  @Test
  void pythonLoadsWhatIsMissingAndNothingElse() throws Exception {
    Path snapshot = pull();
    long shard = hub.sentBytes("model-00001-of-00002.safetensors");
    assertEquals(List.of(snapshot.toString()), python(Map.of(), "load", FakeHub.ID));
    assertEquals(shard, hub.sentBytes("model-00001-of-00002.safetensors"));
    assertTrue(Files.exists(snapshot.resolve("modeling_tiny.py")), "Python takes code too");
    assertEquals(snapshot, cache().find(ID).orElseThrow());
  }

  @Test
  void tritiumFindsWhatPythonHasLoaded() throws Exception {
    List<String> loaded = python(Map.of(), "load", FakeHub.ID);
    int requests = hub.requests.size();
    Path snapshot = cache().find(ID).orElseThrow();
    assertEquals(loaded, List.of(snapshot.toString()));
    List<CachedSnapshot> all = CachedSnapshot.all(cache());
    assertEquals(List.of("main"), all.getFirst().revisions());
    assertTrue(
        Verification.of(cache(), all.getFirst()).stream()
            .allMatch(file -> file.state() == Verification.State.OK));
    assertEquals(requests, hub.requests.size(), "the hub was asked");
    long shard = hub.sentBytes("model-00001-of-00002.safetensors");
    pull();
    assertEquals(shard, hub.sentBytes("model-00001-of-00002.safetensors"));
  }

  @Test
  void tritiumCompletesWhatPythonHasLoadedInPart() throws Exception {
    python(Map.of(), "load", FakeHub.ID, "*.json");
    assertFalse(cache().find(ID).isPresent());
    pull();
    assertTrue(cache().find(ID).isPresent());
    assertEquals(
        List.of(), hub.downloads().stream().filter(r -> r.file().endsWith(".bin")).toList());
  }
}
