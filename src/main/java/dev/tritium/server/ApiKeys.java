package dev.tritium.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.config.spi.Converter;
import org.jspecify.annotations.Nullable;

/** API keys, of which only the SHA-256 hashes are kept, so that nothing can print them. */
public final class ApiKeys {
  private static final String SCHEME = "Bearer ";

  /** A pair of settings for keys, by their names, and what they are set to. */
  record Setting(String name, Optional<ApiKeys> listed, String fileName, Optional<String> file) {
    /** Those of the API. */
    static Setting ofApi(TritiumConfig config) {
      return new Setting(
          "tritium.api-keys", config.apiKeys(), "tritium.api-keys-file", config.apiKeysFile());
    }

    /** Those of admins. */
    static Setting ofAdmins(TritiumConfig config) {
      return new Setting(
          "tritium.admin.key",
          config.admin().key(),
          "tritium.admin.key-file",
          config.admin().keyFile());
    }

    /** Whether keys are configured, however badly. */
    boolean isSet() {
      return listed.isPresent() || file.isPresent() || isEmpty(name) || isEmpty(fileName);
    }

    /**
     * The keys, the file's read now.
     *
     * @return empty where neither setting is given
     * @throws IllegalArgumentException naming the setting that holds no key, or what is none
     */
    Optional<ApiKeys> read() {
      listed.ifPresent(keys -> keys.require(name, "between commas"));
      requireNotEmpty(name);
      requireNotEmpty(fileName);
      Optional<ApiKeys> ofFile = file.map(path -> ApiKeys.read(fileName, Path.of(path)));
      List<byte[]> all = new ArrayList<>();
      listed.ifPresent(keys -> all.addAll(keys.hashes));
      ofFile.ifPresent(keys -> all.addAll(keys.hashes));
      return all.isEmpty() ? Optional.empty() : Optional.of(new ApiKeys(all, false));
    }
  }

  private final List<byte[]> hashes;
  private final boolean malformed; // one of them is no key

  private ApiKeys(List<byte[]> hashes, boolean malformed) {
    this.hashes = List.copyOf(hashes);
    this.malformed = malformed;
  }

  /** Hashes keys; what is no key is found by {@link #require}. */
  static ApiKeys of(List<String> keys) {
    List<byte[]> hashes = keys.stream().filter(ApiKeys::isKey).map(ApiKeys::hash).toList();
    return new ApiKeys(hashes, hashes.size() < keys.size());
  }

  /** The keys of the API; see {@link Setting#read}. */
  static Optional<ApiKeys> of(TritiumConfig config) {
    return Setting.ofApi(config).read();
  }

  /** The keys of admins; see {@link Setting#read}. */
  static Optional<ApiKeys> ofAdmins(TritiumConfig config) {
    return Setting.ofAdmins(config).read();
  }

  /** A variable that is set to nothing reads as one that is not set, but is a mistake. */
  private static boolean isEmpty(String setting) {
    return "".equals(ConfigProvider.getConfig().getConfigValue(setting).getValue());
  }

  private static void requireNotEmpty(String setting) {
    if (isEmpty(setting)) {
      throw noKeys(setting);
    }
  }

  private static IllegalArgumentException noKeys(String where) {
    return new IllegalArgumentException(
        where + " holds no key; leave the setting out if requests need none");
  }

  private static ApiKeys read(String setting, Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) { // the cause could quote what it read
      throw new IllegalArgumentException(
          "%s: %s cannot be read (%s)".formatted(setting, file, e.getClass().getSimpleName()));
    }
    ApiKeys keys =
        of(
            lines.stream()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .toList());
    keys.require(setting + ": " + file, "one on a line");
    return keys;
  }

  private void require(String where, String layout) {
    if (malformed) {
      throw new IllegalArgumentException(
          "%s: one of the keys is empty or not visible ASCII; keys stand %s"
              .formatted(where, layout));
    }
    if (hashes.isEmpty()) {
      throw noKeys(where);
    }
  }

  int count() {
    return hashes.size();
  }

  /**
   * Whether an {@code Authorization} header holds one of the keys. Each is compared, in a time that
   * does not depend on what was sent.
   */
  boolean accept(String authorization) {
    if (!authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      return false;
    }
    byte[] sent = hash(authorization.substring(SCHEME.length()).strip());
    boolean found = false;
    for (byte[] hash : hashes) {
      found |= MessageDigest.isEqual(hash, sent);
    }
    return found;
  }

  private static boolean isKey(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> c > ' ' && c < 127);
  }

  private static byte[] hash(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }

  /** Reads keys between commas; never fails, because the message would quote them. */
  public static final class Listed implements Converter<ApiKeys> {
    private static final long serialVersionUID = 1;

    /** For the code that reads {@link TritiumConfig}. */
    public Listed() {}

    @Override
    public @Nullable ApiKeys convert(String value) {
      return value.isEmpty() // that is how a missing setting comes here
          ? null
          : ApiKeys.of(Arrays.stream(value.split(",", -1)).map(String::strip).toList());
    }
  }
}
