package dev.tritium.testing;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.dialect.Dialect;
import com.networknt.schema.dialect.Dialects;
import com.networknt.schema.keyword.Keyword;
import com.networknt.schema.keyword.NonValidationKeyword;
import dev.tritium.testing.Api.Answer;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A server's OpenAPI document, against which its answers are held: status, media type, headers,
 * bodies and each event of a stream. A request that the document refuses must not succeed.
 */
public final class ApiDocument {
  private static final String IRI = "https://tritium.test/openapi";
  private static final String COMMON_HEADERS = "/components/responses/OpenApi/headers";
  private static final Map<String, ApiDocument> KNOWN = new ConcurrentHashMap<>(); // by text

  /** Headers of HTTP itself, and of CORS where the server is set to it. */
  private static final Pattern OF_HTTP =
      Pattern.compile(
          "content-(type|length)|transfer-encoding|connection|date|allow|vary|access-control-.+");

  /** The playground, which is no part of the API. */
  private static final Pattern PAGES =
      Pattern.compile("/|/index\\.html|/favicon\\.ico|/playground.*");

  private final JsonNode json;
  private final SchemaRegistry registry;
  private final Map<String, Schema> schemas = new ConcurrentHashMap<>(); // by pointer

  private ApiDocument(String text) {
    this.json = parse(text);
    Dialect dialect =
        Dialect.builder(Dialects.getDraft202012())
            .unknownKeywordFactory((name, context) -> ignored(name))
            .build();
    this.registry =
        SchemaRegistry.withDialect(dialect, builder -> builder.schemas(Map.of(IRI, text)));
  }

  /** The document as a whole is read as a schema, too; what stands in its schemas must be known. */
  private Keyword ignored(String keyword) {
    assertTrue(json.has(keyword), () -> "unknown keyword " + keyword);
    return new NonValidationKeyword(keyword);
  }

  /** The document of a text; it is compiled once. */
  public static ApiDocument of(String text) {
    return KNOWN.computeIfAbsent(text, ApiDocument::new);
  }

  private static JsonNode parse(String text) {
    try {
      return Api.JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError("not JSON: " + text, e);
    }
  }

  /**
   * Fails unless an exchange was as the document says.
   *
   * @param path as it was sent
   * @param body of the request; null if there was none, or it is not to be held against the schema
   */
  public void check(String method, String path, @Nullable String body, Answer answer) {
    try {
      String seen = URI.create(path.replaceAll("(?i)%2e", ".")).normalize().getRawPath();
      String operation = operation(method, seen);
      if (method.equals("OPTIONS") || PAGES.matcher(seen).matches()) {
        checkHeaders(COMMON_HEADERS, answer);
      } else if (operation == null) {
        checkUnlisted(answer);
      } else {
        checkAnswer(operation, answer);
        if (body != null && answer.status() / 100 == 2) {
          String schema = operation + "/requestBody/content/application~1json/schema";
          check(schema, parse(body), "the request succeeded, but its body");
        }
      }
    } catch (AssertionError e) {
      String sent = body == null ? "" : " " + shortened(body);
      throw new AssertionError(
          "%s %s%s -> %s%nnot as /q/openapi says: %s"
              .formatted(method, path, sent, shortened(answer.toString()), e.getMessage()),
          e);
    }
  }

  /** The pointer to what a method does on a path, or null. */
  private @Nullable String operation(String method, String path) {
    for (String template : (Iterable<String>) () -> json.get("paths").fieldNames()) {
      String name = method.toLowerCase(Locale.ROOT);
      if (path.matches(template.replaceAll("\\{\\w+}", ".+"))
          && json.get("paths").get(template).has(name)) {
        return "/paths/" + escaped(template) + "/" + name;
      }
    }
    return null;
  }

  private static String escaped(String name) {
    return name.replace("~", "~0").replace("/", "~1");
  }

  /** What is not in the document is refused, as any error is. */
  private void checkUnlisted(Answer answer) {
    assertTrue(answer.status() >= 400, "there is no such operation");
    check("/components/schemas/Error", answer.json(), "the error");
    checkHeaders(COMMON_HEADERS, answer);
  }

  private void checkAnswer(String operation, Answer answer) {
    String response = resolved(operation + "/responses/" + answer.status());
    assertTrue(!json.at(response).isMissingNode(), "there is no status " + answer.status());
    checkHeaders(response + "/headers", answer);
    for (String name : answer.headers().keySet()) {
      boolean isListed = json.at(response + "/headers").has(name);
      assertTrue(isListed || OF_HTTP.matcher(name).matches(), "the header " + name);
    }
    String type = answer.headers().getOrDefault("content-type", "").replaceFirst(";.*", "");
    String content = response + "/content/" + escaped(type);
    assertTrue(!json.at(content).isMissingNode(), "there is no media type " + type);
    switch (type) {
      case "application/json" -> check(content + "/schema", answer.json(), "the body");
      case "text/event-stream" ->
          Sse.events(answer.body()).forEach(e -> check(content + "/x-event-schema", e, "an event"));
      default -> {}
    }
  }

  private void checkHeaders(String pointer, Answer answer) {
    for (Map.Entry<String, JsonNode> header : json.at(pointer).properties()) {
      String value = answer.headers().get(header.getKey());
      if (value != null) {
        String schema = resolved(pointer + "/" + escaped(header.getKey())) + "/schema";
        check(schema, Api.JSON.valueToTree(value), header.getKey());
      } else if (json.at(resolved(pointer + "/" + header.getKey())).path("required").asBoolean()) {
        fail("there is no header " + header.getKey());
      }
    }
  }

  /** The pointer that a reference at this pointer leads to, or the pointer. */
  private String resolved(String pointer) {
    JsonNode reference = json.at(pointer + "/$ref");
    return reference.isMissingNode() ? pointer : reference.textValue().substring(1);
  }

  /** Fails unless a value fits the schema at the pointer. */
  private void check(String pointer, JsonNode value, String what) {
    List<com.networknt.schema.Error> errors =
        schemas.computeIfAbsent(pointer, this::compiled).validate(value);
    assertTrue(errors.isEmpty(), () -> what + ": " + shortened(errors.toString()));
  }

  private Schema compiled(String pointer) {
    return registry.getSchema(SchemaLocation.of(IRI + "#" + pointer));
  }

  private static String shortened(String text) {
    return text.length() <= 2_000 ? text : text.substring(0, 2_000) + "...";
  }
}
