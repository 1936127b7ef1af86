package dev.tritium.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.api.openai.Endpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys as they are configured and sent. */
@SuppressWarnings("NullAway.Init") // injected
class ApiKeysTest {
  private static final String SECRET = "sk-very-secret";

  @TempDir Path folder;

  @Test
  void aKeyOfTheSettingOrOfTheFileIsAccepted() throws IOException {
    Path file = file("# of the team\n\n  sk-file-1  \nsk-file-2 \n");
    ApiKeys keys = ApiKeys.of(config("sk-1, sk-2", file)).orElseThrow();
    assertEquals(4, keys.count());
    for (String key : List.of("sk-1", "sk-2", "sk-file-1", "sk-file-2")) {
      assertTrue(keys.accept("Bearer " + key), key);
      assertTrue(keys.accept("bearer " + key), "schemes have no case");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Bearer",
        "Bearer ",
        "sk-1",
        "Bearer sk-",
        "Bearer sk-11",
        "Bearer SK-1",
        "Basic sk-1",
        "Bearer sk-1,sk-2",
        "Bearer sk-1 sk-2",
        "Bearer # sk-1",
        "Bearer sk-1\u0000"
      })
  void anythingElseIsNot(String authorization) {
    assertFalse(ApiKeys.of(List.of("sk-1", "sk-2")).accept(authorization));
  }

  @Test
  void noSettingMeansNoKeys() {
    assertEquals(Optional.empty(), ApiKeys.of(TritiumConfigTest.config(Map.of())));
  }

  @ParameterizedTest
  @ValueSource(strings = {" ", ",", SECRET + ",", SECRET + " blank", SECRET + ",h\u00e9"})
  void aSettingWithoutKeysEndsTheServerAndIsNotQuoted(String keys) {
    assertRefused(config(keys, null), "tritium.api-keys");
  }

  @ParameterizedTest
  @CsvSource({
    "tritium.api-keys, ''",
    "tritium.api-keys, ${SURELY_NOT_SET:}",
    "tritium.api-keys-file, ''",
    "tritium.api-keys-file, ${SURELY_NOT_SET:}",
  })
  void anEmptySettingEndsTheServerToo(String setting, String value) {
    System.setProperty(setting, value); // as a variable that is set to nothing
    try {
      assertRefused(TritiumConfigTest.config(Map.of()), setting + " holds no key");
    } finally {
      System.clearProperty(setting);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n\n", "# " + SECRET, SECRET + " blank\n", SECRET + "\nh\u00e9\n"})
  void aFileWithoutKeysEndsTheServerAndIsNotQuoted(String text) throws IOException {
    assertRefused(config(null, file(text)), "tritium.api-keys-file: " + folder.resolve("keys"));
  }

  @Test
  void aFileThatCannotBeReadEndsTheServer() throws IOException {
    assertRefused(config(null, folder.resolve("keys")), "tritium.api-keys-file: ");
    assertRefused(config(null, folder), "tritium.api-keys-file: ");
    Files.write(folder.resolve("keys"), new byte[] {(byte) 0xff, (byte) 0xfe, '\n'});
    assertRefused(config(null, folder.resolve("keys")), "tritium.api-keys-file: ");
  }

  private static void assertRefused(TritiumConfig config, String beginning) {
    Exception refusal =
        assertThrows(IllegalArgumentException.class, () -> SettingsCheck.check(config));
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.startsWith(beginning), message);
    assertFalse(message.contains(SECRET), message);
    ApiKeyCheck check = new ApiKeyCheck(config); // until the server has ended
    assertFalse(check.admits(Endpoint.COMPLETIONS, null));
    assertFalse(check.admits(Endpoint.COMPLETIONS, "Bearer " + SECRET));
  }

  @Test
  void keysAreNotPrinted() {
    TritiumConfig config = config(SECRET, null);
    assertFalse(String.valueOf(config.apiKeys()).contains(SECRET));
    assertFalse(config.toString().contains(SECRET));
  }

  @Test
  void aFileThatChangesIsReadAgainAndABrokenOneLeavesTheKeysAsTheyWere() throws IOException {
    Path file = file("old\n");
    ApiKeyCheck check = new ApiKeyCheck(config(null, file));
    change(file, "new\n", 1);
    assertTrue(check.admits(Endpoint.CHAT, "Bearer old"), "not looked at yet");
    check.look();
    assertFalse(check.admits(Endpoint.CHAT, "Bearer old"));
    assertTrue(check.admits(Endpoint.CHAT, "Bearer new"));
    change(file, "# none\n", 2);
    check.look();
    assertTrue(check.admits(Endpoint.CHAT, "Bearer new"));
    FileTime broken = Files.getLastModifiedTime(file);
    Files.writeString(file, "mended\n");
    Files.setLastModifiedTime(file, broken); // as when only its permissions change
    check.look();
    assertTrue(check.admits(Endpoint.CHAT, "Bearer mended"));
    change(file, "new\n", 4);
    check.look();
    assertFalse(check.admits(Endpoint.CHAT, null));
    Files.delete(file);
    check.look();
    assertTrue(check.admits(Endpoint.CHAT, "Bearer new"));
    change(file, "newer\n", 6);
    check.look();
    assertTrue(check.admits(Endpoint.CHAT, "Bearer newer"));
  }

  @Test
  void onlyWhatIsMeantToBeIsOpen() {
    ApiKeyCheck closed = new ApiKeyCheck(config("sk-1", null));
    ApiKeyCheck open =
        new ApiKeyCheck(
            TritiumConfigTest.config(
                Map.of("tritium.api-keys", "sk-1", "tritium.metrics.open", "true")));
    ApiKeyCheck without = new ApiKeyCheck(TritiumConfigTest.config(Map.of()));
    for (Endpoint endpoint : Endpoint.values()) {
      boolean always =
          List.of(Endpoint.HEALTH, Endpoint.OPENAPI, Endpoint.PLAYGROUND).contains(endpoint);
      assertEquals(always, closed.admits(endpoint, null), endpoint.label());
      assertEquals(
          always || endpoint == Endpoint.METRICS, open.admits(endpoint, null), endpoint.label());
      boolean isAdmin = endpoint == Endpoint.ADMIN;
      assertEquals(!isAdmin, without.admits(endpoint, null), endpoint.label());
      assertEquals(!isAdmin, closed.admits(endpoint, "Bearer sk-1"), endpoint.label());
    }
  }

  @Test
  void adminsHaveKeysOfTheirOwn() throws IOException {
    Path file = file("admin-2\n");
    ApiKeyCheck check =
        new ApiKeyCheck(
            TritiumConfigTest.config(
                Map.of(
                    "tritium.api-keys", "sk-1",
                    "tritium.admin.key", "admin-1",
                    "tritium.admin.key-file", file.toString())));
    assertTrue(check.hasAdmins());
    for (String key : List.of("admin-1", "admin-2")) {
      assertTrue(check.admits(Endpoint.ADMIN, "Bearer " + key), key);
      assertFalse(check.admits(Endpoint.CHAT, "Bearer " + key), "no API key");
    }
    assertFalse(check.admits(Endpoint.ADMIN, "Bearer sk-1"), "no admin's");
    assertFalse(check.admits(Endpoint.ADMIN, null));
    change(file, "admin-3\n", 1);
    check.look();
    assertTrue(check.admits(Endpoint.ADMIN, "Bearer admin-3"));
    assertFalse(check.admits(Endpoint.ADMIN, "Bearer admin-2"));
    assertFalse(new ApiKeyCheck(TritiumConfigTest.config(Map.of())).hasAdmins());
  }

  @ParameterizedTest
  @ValueSource(strings = {" ", ",", SECRET + " blank"})
  void anAdminKeyThatIsNoneEndsTheServerAndIsNotQuoted(String key) {
    TritiumConfig config = TritiumConfigTest.config(Map.of("tritium.admin.key", key));
    Exception refusal =
        assertThrows(IllegalArgumentException.class, () -> SettingsCheck.check(config));
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.startsWith("tritium.admin.key"), message);
    assertFalse(message.contains(SECRET), message);
    assertFalse(new ApiKeyCheck(config).admits(Endpoint.ADMIN, "Bearer " + SECRET));
  }

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("keys"), text);
  }

  private static void change(Path file, String text, int seconds) throws IOException {
    Files.writeString(file, text);
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(seconds)));
  }

  private static TritiumConfig config(
      @org.jspecify.annotations.Nullable String keys,
      @org.jspecify.annotations.Nullable Path file) {
    Map<String, String> properties = new HashMap<>();
    if (keys != null) {
      properties.put("tritium.api-keys", keys);
    }
    if (file != null) {
      properties.put("tritium.api-keys-file", file.toString());
    }
    return TritiumConfigTest.config(properties);
  }
}
