package dev.tritium.hub;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where models come from and where they are kept, by the variables of Hugging Face's tools.
 *
 * @param endpoint the hub, without a slash at its end
 * @param cache folder of the models; perhaps not there yet
 * @param offline whether only the cache may be used
 * @param links whether files of a snapshot may be links
 * @param answerTimeout longest wait for an answer to begin
 * @param stallTimeout longest silence in the middle of a file
 */
public record HubSettings(
    URI endpoint,
    Path cache,
    Optional<Token> token,
    boolean offline,
    boolean links,
    Duration answerTimeout,
    Duration stallTimeout,
    Retries retries,
    Proxies proxies) {

  private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");

  /** A secret, which no message shows. */
  record Token(String value) {
    @Override
    public String toString() {
      return "(a token)";
    }
  }

  /**
   * The settings of this process: environment variables, or Java properties of the same names.
   *
   * @throws HubException naming a variable that makes no sense
   */
  public static HubSettings read() {
    return of(
        name -> {
          String property = System.getProperty(name);
          return property == null ? System.getenv(name) : property;
        },
        System.getProperty("user.home", "."));
  }

  static HubSettings of(Function<String, @Nullable String> variables, String userHome) {
    Variables v = new Variables(variables, userHome);
    Path home =
        v.path("HF_HOME")
            .orElseGet(
                () ->
                    v.path("XDG_CACHE_HOME")
                        .orElse(Path.of(userHome, ".cache"))
                        .resolve("huggingface"));
    Path cache =
        v.path("HF_HUB_CACHE")
            .or(() -> v.path("HUGGINGFACE_HUB_CACHE"))
            .orElse(home.resolve("hub"))
            .toAbsolutePath();
    return new HubSettings(
        v.endpoint(),
        cache,
        v.isTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? Optional.empty() : v.token(home),
        v.isTrue("HF_HUB_OFFLINE") || v.isTrue("TRANSFORMERS_OFFLINE"),
        !v.isTrue("HF_HUB_DISABLE_SYMLINKS"),
        v.seconds("HF_HUB_ETAG_TIMEOUT", 10),
        v.seconds("HF_HUB_DOWNLOAD_TIMEOUT", 10),
        Retries.defaults(),
        Proxies.of(variables));
  }

  /** The same settings with other retries, for tests that cannot wait. */
  HubSettings withRetries(Retries other) {
    return new HubSettings(
        endpoint, cache, token, offline, links, answerTimeout, stallTimeout, other, proxies);
  }

  private record Variables(Function<String, @Nullable String> all, String userHome) {
    Optional<String> text(String name) {
      return Optional.ofNullable(all.apply(name)).map(String::strip).filter(s -> !s.isEmpty());
    }

    boolean isTrue(String name) {
      return text(name).map(s -> TRUE.contains(s.toUpperCase(Locale.ROOT))).orElse(false);
    }

    Optional<Path> path(String name) {
      return text(name)
          .map(s -> s.equals("~") || s.startsWith("~/") ? userHome + s.substring(1) : s)
          .map(Path::of);
    }

    Duration seconds(String name, int otherwise) {
      String value = text(name).orElse(String.valueOf(otherwise));
      try {
        int seconds = Integer.parseInt(value);
        if (seconds > 0) {
          return Duration.ofSeconds(seconds);
        }
      } catch (NumberFormatException e) {
        // said below
      }
      throw new HubException(
          "%s must be a number of seconds above 0, found %s".formatted(name, value));
    }

    URI endpoint() {
      String value = text("HF_ENDPOINT").orElse("https://huggingface.co").replaceAll("/+$", "");
      try {
        URI uri = new URI(value);
        String scheme = String.valueOf(uri.getScheme());
        if ((scheme.equals("https") || scheme.equals("http"))
            && uri.getHost() != null
            && uri.getRawQuery() == null
            && uri.getRawUserInfo() == null) {
          return uri;
        }
      } catch (URISyntaxException e) {
        // said below
      }
      throw new HubException(
          "HF_ENDPOINT must be an address such as https://huggingface.co, found " + value);
    }

    /** That of the environment, or what {@code hf auth login} has left. */
    Optional<Token> token(Path home) {
      Optional<String> set = text("HF_TOKEN").or(() -> text("HUGGING_FACE_HUB_TOKEN"));
      Path file = path("HF_TOKEN_PATH").orElse(home.resolve("token"));
      Optional<String> found = set.or(() -> content(file));
      if (found.isPresent() && !found.get().chars().allMatch(c -> c > ' ' && c < 127)) {
        throw new HubException(
            "the token in %s holds characters that no token has"
                .formatted(set.isPresent() ? "HF_TOKEN" : file));
      }
      return found.map(Token::new);
    }

    private static Optional<String> content(Path file) {
      try {
        return Optional.of(Files.readString(file).strip()).filter(s -> !s.isEmpty());
      } catch (NoSuchFileException e) {
        return Optional.empty();
      } catch (IOException e) {
        throw new HubException("the token in %s cannot be read: %s".formatted(file, e), e);
      }
    }
  }
}
