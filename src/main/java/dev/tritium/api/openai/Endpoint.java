package dev.tritium.api.openai;

import java.util.Locale;

/** What a request is for; all that is not named here is {@link #OTHER}. */
public enum Endpoint {
  COMPLETIONS,
  CHAT,
  MODELS,
  TOKENIZE,
  DETOKENIZE,
  HEALTH,
  METRICS,
  OPENAPI,
  PLAYGROUND,
  ADMIN,
  OTHER;

  /**
   * The endpoint of a path.
   *
   * @param path normalised: no dots in it, and nothing encoded that need not be
   */
  public static Endpoint of(String path) {
    return switch (path) {
      case "/v1/completions" -> COMPLETIONS;
      case "/v1/chat/completions" -> CHAT;
      case "/v1/models" -> MODELS;
      case "/tokenize" -> TOKENIZE;
      case "/detokenize" -> DETOKENIZE;
      case "/q/health" -> HEALTH;
      case "/q/metrics" -> METRICS;
      case "/q/openapi", "/q/openapi.json", "/q/openapi.yaml", "/q/openapi.yml" -> OPENAPI;
      case "/", "/index.html", "/favicon.ico" -> PLAYGROUND;
      default -> ofPrefix(path);
    };
  }

  private static Endpoint ofPrefix(String path) {
    if (path.startsWith("/v1/models/")) {
      return MODELS;
    }
    if (path.startsWith("/q/health/")) {
      return HEALTH;
    }
    if (path.equals("/admin") || path.startsWith("/admin/")) {
      return ADMIN;
    }
    if (path.endsWith("/") && !path.endsWith("//")) { // who routes takes it for the same
      return of(path.substring(0, path.length() - 1));
    }
    return path.startsWith("/playground/") ? PLAYGROUND : OTHER; // its scripts and style
  }

  /** The name in logs and metrics. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
