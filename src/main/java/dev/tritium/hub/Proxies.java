package dev.tritium.hub;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The proxies of {@code HTTPS_PROXY}, {@code HTTP_PROXY} and {@code ALL_PROXY}, except for hosts of
 * {@code NO_PROXY}; in small letters too. Those of the JVM's own properties go before them.
 */
final class Proxies extends ProxySelector {
  private static final String BASIC_IN_TUNNELS = "jdk.http.auth.tunneling.disabledSchemes";

  private final Optional<URI> forHttp;
  private final Optional<URI> forHttps;
  private final List<String> exceptions; // hosts in small letters, without a leading dot
  private final @Nullable ProxySelector properties; // which go first

  private Proxies(
      Optional<URI> forHttp,
      Optional<URI> forHttps,
      List<String> exceptions,
      @Nullable ProxySelector properties) {
    this.forHttp = forHttp;
    this.forHttps = forHttps;
    this.exceptions = exceptions;
    this.properties = properties;
  }

  /**
   * The proxies of an environment.
   *
   * @throws HubException naming a variable that is no proxy's address
   */
  static Proxies of(Function<String, @Nullable String> variables) {
    boolean byProperties =
        Stream.of("http.proxyHost", "https.proxyHost", "java.net.useSystemProxies")
            .anyMatch(property -> System.getProperty(property) != null);
    Optional<URI> forHttp = proxy(variables, "HTTP_PROXY");
    Optional<URI> forHttps = proxy(variables, "HTTPS_PROXY");
    if (forHttps.filter(uri -> uri.getRawUserInfo() != null).isPresent()
        && System.getProperty(BASIC_IN_TUNNELS) == null) {
      // The JDK keeps a password from a proxy that tunnels TLS; whoever writes one there wants it
      // sent. Read once, when the first client is made.
      System.setProperty(BASIC_IN_TUNNELS, "");
    }
    String exceptions = value(variables, "NO_PROXY").orElse("");
    return new Proxies(
        forHttp,
        forHttps,
        Arrays.stream(exceptions.toLowerCase(Locale.ROOT).split(","))
            .map(host -> host.strip().replaceFirst("^\\*?\\.", ""))
            .filter(host -> !host.isEmpty())
            .toList(),
        byProperties ? ProxySelector.getDefault() : null);
  }

  private static Optional<String> value(Function<String, @Nullable String> variables, String name) {
    return Stream.of(name.toLowerCase(Locale.ROOT), name)
        .flatMap(each -> Stream.ofNullable(variables.apply(each)))
        .filter(value -> !value.isBlank())
        .map(String::strip)
        .findFirst();
  }

  private static Optional<URI> proxy(Function<String, @Nullable String> variables, String name) {
    return value(variables, name)
        .or(() -> value(variables, "ALL_PROXY"))
        .map(
            value -> {
              try {
                URI uri = URI.create(value.contains("://") ? value : "http://" + value);
                if ("http".equals(uri.getScheme()) && uri.getHost() != null) {
                  return uri;
                }
              } catch (IllegalArgumentException e) {
                // said below, without the value, which may hold a password
              }
              throw new HubException(
                  name + " must be the address of an HTTP proxy, such as http://proxy:3128");
            });
  }

  private Optional<URI> of(URI uri) {
    String host = String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT);
    boolean direct =
        exceptions.stream()
            .map(each -> each.replaceFirst(":" + uri.getPort() + "$", ""))
            .anyMatch(e -> e.equals("*") || host.equals(e) || host.endsWith("." + e));
    return direct ? Optional.empty() : "https".equals(uri.getScheme()) ? forHttps : forHttp;
  }

  @Override
  public List<Proxy> select(URI uri) {
    if (properties != null) {
      return properties.select(uri);
    }
    return List.of(
        of(uri)
            .map(
                proxy ->
                    new Proxy(
                        Proxy.Type.HTTP,
                        InetSocketAddress.createUnresolved(
                            proxy.getHost(), proxy.getPort() < 0 ? 80 : proxy.getPort())))
            .orElse(Proxy.NO_PROXY));
  }

  /** The header that introduces us to the proxy of an address, if it has a user's name in it. */
  Optional<String> authorization(URI uri) {
    return properties != null
        ? Optional.empty()
        : of(uri)
            .map(URI::getRawUserInfo)
            .map(user -> URLDecoder.decode(user.replace("+", "%2B"), UTF_8).getBytes(UTF_8))
            .map(user -> "Basic " + Base64.getEncoder().encodeToString(user));
  }

  @Override
  public void connectFailed(URI uri, SocketAddress address, IOException failure) {
    // The request fails with it.
  }
}
