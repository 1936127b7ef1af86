package dev.tritium.hub;

import dev.tritium.checkpoint.Printable;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a hub means with a status that is no success, and what can be done about it. */
final class Refusal {
  private static final Pattern RATE_LIMIT = Pattern.compile("\"[^\"]*\";r=0;t=(\\d{1,9})");
  private static final Pattern SECONDS = Pattern.compile("\\d{1,9}");

  private Refusal() {}

  /** Whether the same request may be answered later. */
  static boolean isPassing(int status) {
    return status == 408 || status == 429 || (status >= 500 && status != 501);
  }

  /** A hub that is busy or broken for the moment. */
  static Retries.Busy passing(int status, HttpHeaders headers, URI uri) {
    String what = status == 429 ? "too many requests" : "status " + status;
    return new Retries.Busy("%s answers: %s".formatted(uri.getHost(), what), retryAfter(headers));
  }

  /** From Retry-After, in seconds or as a date, or from the draft header RateLimit; else null. */
  private static @Nullable Duration retryAfter(HttpHeaders headers) {
    Matcher limit = RATE_LIMIT.matcher(headers.firstValue("RateLimit").orElse(""));
    if (limit.find()) {
      return Duration.ofSeconds(Long.parseLong(limit.group(1)));
    }
    String value = headers.firstValue("Retry-After").orElse("").strip();
    if (SECONDS.matcher(value).matches()) {
      return Duration.ofSeconds(Long.parseLong(value));
    }
    try {
      Instant when = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      Duration wait = Duration.between(Instant.now(), when);
      return wait.isNegative() ? Duration.ZERO : wait;
    } catch (DateTimeParseException e) {
      return null;
    }
  }

  /**
   * An answer that stays as it is; by {@code X-Error-Code}, since the hub says 401 for a private
   * model and for one that does not exist.
   */
  static HubException lasting(
      int status, HttpHeaders headers, URI uri, HubSettings settings, ModelId id) {
    boolean known = settings.token().isPresent();
    String page = settings.endpoint() + "/" + id.repository();
    String said = Printable.of(headers.firstValue("X-Error-Message").orElse(""));
    if (said.startsWith("Invalid credentials")) {
      return new HubException(
          "%s does not accept the token of HF_TOKEN or 'hf auth login': make a new one at %s/settings/tokens"
              .formatted(settings.endpoint(), settings.endpoint()));
    }
    String problem =
        switch (headers.firstValue("X-Error-Code").orElse(codeOf(status))) {
          case "GatedRepo" ->
              known
                  ? "is gated, and the token's account may not read it: ask for access at " + page
                  : "is gated: accept its conditions at %s, then set HF_TOKEN to a token of that account"
                      .formatted(page);
          case "RevisionNotFound" ->
              "has no revision '%s': see %s/tree/main".formatted(id.revision(), page);
          case "EntryNotFound" -> "has no file " + Printable.of(uri.getPath());
          case "RepoNotFound" ->
              known
                  ? "is not on %s, or the token's account may not see it: check the name, and the token of HF_TOKEN"
                      .formatted(settings.endpoint())
                  : "is not on %s, or private: check the name; for a private model set HF_TOKEN"
                      .formatted(settings.endpoint());
          default ->
              "cannot be had: %s answers with status %d%s"
                  .formatted(uri.getHost(), status, said.isEmpty() ? "" : ": " + said);
        };
    return new HubException(id.repository() + " " + problem);
  }

  private static String codeOf(int status) {
    return status == 401 || status == 404 ? "RepoNotFound" : "";
  }
}
