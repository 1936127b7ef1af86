package dev.tritium.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The variables of Hugging Face's tools, as huggingface_hub/constants.py reads them. */
class HubSettingsTest {
  @TempDir private Path home;

  private HubSettings with(String... variables) {
    Map<String, String> map = new HashMap<>();
    for (int i = 0; i < variables.length; i += 2) {
      map.put(variables[i], variables[i + 1]);
    }
    return HubSettings.of(map::get, home.toString());
  }

  private Optional<String> token(String... variables) {
    return with(variables).token().map(HubSettings.Token::value);
  }

  @Test
  void withoutVariablesItIsTheHubAndTheUsersCache() {
    HubSettings settings = with();
    assertEquals(URI.create("https://huggingface.co"), settings.endpoint());
    assertEquals(home.resolve(".cache/huggingface/hub"), settings.cache());
    assertEquals(Optional.empty(), settings.token());
    assertFalse(settings.offline());
    assertTrue(settings.links());
    assertEquals(Duration.ofSeconds(10), settings.answerTimeout());
    assertEquals(Duration.ofSeconds(10), settings.stallTimeout());
  }

  @Test
  void theNearerVariableOfTheCacheWins() {
    assertEquals(Path.of("/x/huggingface/hub"), with("XDG_CACHE_HOME", "/x").cache());
    assertEquals(Path.of("/h/hub"), with("XDG_CACHE_HOME", "/x", "HF_HOME", "/h").cache());
    assertEquals(Path.of("/c"), with("HF_HOME", "/h", "HF_HUB_CACHE", "/c").cache());
    assertEquals(Path.of("/o"), with("HF_HOME", "/h", "HUGGINGFACE_HUB_CACHE", "/o").cache());
    assertEquals(home.resolve("mine/hub"), with("HF_HOME", "~/mine").cache());
  }

  @Test
  void theTokenIsTheVariablesOrTheFiles() throws IOException {
    assertEquals(Optional.of("hf_v"), token("HF_TOKEN", " hf_v\n"));
    assertEquals(Optional.of("hf_old"), token("HUGGING_FACE_HUB_TOKEN", "hf_old"));
    Path file = Files.writeString(home.resolve("my-token"), "hf_f\n");
    assertEquals(Optional.of("hf_f"), token("HF_TOKEN_PATH", file.toString()));
    assertEquals(Optional.of("hf_v"), token("HF_TOKEN", "hf_v", "HF_TOKEN_PATH", file.toString()));
    assertEquals(Optional.empty(), token("HF_TOKEN", "hf_v", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"));
  }

  @Test
  void whatMakesNoSenseIsNamedAndATokenNeverShown() {
    assertRefused("HF_ENDPOINT", "HF_ENDPOINT", "ftp://hub");
    assertRefused("HF_ENDPOINT", "HF_ENDPOINT", "hub.example.org");
    assertRefused("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT", "soon");
    assertRefused("HTTPS_PROXY", "HTTPS_PROXY", "socks5://user:secret@proxy");
    assertRefused("the token in HF_TOKEN", "HF_TOKEN", "hf_secret x");
  }

  private void assertRefused(String named, String... variables) {
    String said =
        String.valueOf(assertThrows(HubException.class, () -> with(variables)).getMessage());
    assertTrue(said.contains(named), said);
    assertFalse(said.contains("secret"), said);
  }

  @Test
  void aHubMayLieBehindAProxy() {
    HubSettings settings =
        with(
            "https_proxy",
            "http://me:p%40ss@proxy.example.org:3128",
            "HTTP_PROXY",
            "plain",
            "NO_PROXY",
            "localhost, .internal.example.org,other.example.org:8443");
    assertEquals(
        new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved("proxy.example.org", 3128)),
        proxy(settings, "https://huggingface.co/x"));
    assertEquals(
        Optional.of("Basic bWU6cEBzcw=="), // me:p@ss
        settings.proxies().authorization(URI.create("https://huggingface.co/x")));
    assertEquals(
        new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved("plain", 80)),
        proxy(settings, "http://hub.example.org/"));
    assertEquals(
        Optional.empty(), settings.proxies().authorization(URI.create("http://hub.example.org/")));
    for (String direct :
        new String[] {
          "http://localhost:8080/",
          "https://internal.example.org/",
          "https://hub.internal.example.org/",
          "https://other.example.org:8443/"
        }) {
      assertEquals(Proxy.NO_PROXY, proxy(settings, direct), direct);
    }
    assertEquals(Proxy.NO_PROXY, proxy(with("ALL_PROXY", "p", "NO_PROXY", "*"), "https://hf.co"));
    assertEquals(Proxy.NO_PROXY, proxy(with(), "https://hf.co"));
  }

  private static Proxy proxy(HubSettings settings, String uri) {
    return settings.proxies().select(URI.create(uri)).getFirst();
  }
}
