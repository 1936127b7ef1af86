package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The OpenAPI document: openapi.json, and what the tables of parameters and of errors say.
 *
 * <p>It is written by hand, since no annotation says what a stream's events are or which errors an
 * endpoint has; the tests hold every answer they get against it.
 */
final class OpenApiDocument {
  private static final String SCHEMAS = "#/components/schemas/";
  private static final List<ErrorKind> IN_STREAMS =
      List.of(ErrorKind.INTERNAL, ErrorKind.SHUTTING_DOWN, ErrorKind.REQUEST_TIMEOUT);

  private final ObjectNode json;
  private final ObjectNode schemas;

  private OpenApiDocument(ObjectNode json) {
    this.json = json;
    this.schemas = (ObjectNode) json.at("/components/schemas");
  }

  /** The document of this version of the server. */
  static ObjectNode create(String version) {
    OpenApiDocument document = new OpenApiDocument(read());
    document.addRequests();
    document.addErrors();
    for (Map.Entry<String, JsonNode> path : document.json.get("paths").properties()) {
      path.getValue().forEach(operation -> addErrors(path.getKey(), operation));
    }
    document.json.at("/components/responses").forEach(OpenApiDocument::addCommonHeaders);
    document.json.withObject("info").put("version", version);
    return document.json;
  }

  private static ObjectNode read() {
    try (InputStream in =
        Objects.requireNonNull(OpenApiDocument.class.getResourceAsStream("openapi.json"))) {
      return Json.readObject(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void addRequests() {
    schemas.set("CompletionRequest", Parameters.requestSchema(Parameters.COMPLETIONS));
    schemas.set("ChatCompletionRequest", Parameters.requestSchema(Parameters.CHAT));
    schemas.set("TokenizeRequest", Parameters.requestSchema(Parameters.TOKENIZE));
    schemas.set("DetokenizeRequest", Parameters.requestSchema(Parameters.DETOKENIZE));
    schemas.set("LoadRequest", Parameters.requestSchema(Parameters.LOAD));
  }

  private void addErrors() {
    for (ErrorKind kind : ErrorKind.values()) {
      schemas.set(schemaName(kind), schema(kind));
    }
    schemas.set("Error", anyOf(List.of(ErrorKind.values())));
    schemas.set("StreamError", anyOf(IN_STREAMS));
  }

  static String schemaName(ErrorKind kind) {
    return Arrays.stream(kind.name().split("_"))
        .map(word -> word.charAt(0) + word.substring(1).toLowerCase(Locale.ROOT))
        .collect(Collectors.joining("", "", "Error"));
  }

  private static ObjectNode schema(ErrorKind kind) {
    ObjectNode error = closedObject("message", "type", "param", "code");
    ObjectNode properties = error.putObject("properties");
    properties.putObject("message").put("type", "string").put("minLength", 1);
    properties.putObject("type").put("const", kind.type());
    properties.putObject("param").putArray("type").add("string").add("null");
    ObjectNode code = properties.putObject("code");
    if (kind.code() == null) {
      code.put("type", "null"); // SmallRye's model knows no const that is null
    } else {
      code.put("const", kind.code());
    }
    ObjectNode schema = closedObject("error");
    schema.putObject("properties").set("error", error);
    return schema;
  }

  private static ObjectNode closedObject(String... required) {
    ObjectNode schema = Json.object().put("type", "object").put("additionalProperties", false);
    List.of(required).forEach(schema.putArray("required")::add);
    return schema;
  }

  private static ObjectNode anyOf(List<ErrorKind> kinds) {
    ObjectNode schema = Json.object();
    ArrayNode any = schema.putArray("anyOf");
    kinds.forEach(kind -> any.addObject().put("$ref", SCHEMAS + schemaName(kind)));
    return schema;
  }

  private static void addErrors(String path, JsonNode operation) {
    ObjectNode responses = (ObjectNode) operation.get("responses");
    Arrays.stream(ErrorKind.values())
        .filter(kind -> mayAnswer(kind, path, operation))
        .collect(Collectors.groupingBy(ErrorKind::status, TreeMap::new, Collectors.toList()))
        .forEach((status, kinds) -> responses.set(String.valueOf(status), response(kinds)));
    responses.forEach(OpenApiDocument::addCommonHeaders);
  }

  /** Whether an operation's answer can be of this kind. */
  private static boolean mayAnswer(ErrorKind kind, String path, JsonNode operation) {
    boolean hasBody = operation.has("requestBody");
    boolean namesModel = path.contains("{id}");
    boolean isAdmin = path.startsWith("/admin/");
    boolean usesModel = hasBody && !isAdmin;
    return switch (kind) {
      case METHOD_NOT_ALLOWED -> false; // that of no operation
      case NOT_FOUND, MODEL_CONFLICT -> isAdmin;
      case INVALID_API_KEY -> isAdmin || !operation.has("security");
      case MODEL_NOT_FOUND -> usesModel || namesModel;
      case INVALID_REQUEST -> hasBody;
      case CONTEXT_LENGTH_EXCEEDED, MODEL_LOADING, MODEL_FAILED, ENGINE_STOPPED -> usesModel;
      case QUEUE_FULL, REQUEST_TIMEOUT -> path.endsWith("/completions");
      case SHUTTING_DOWN, INTERNAL -> !path.startsWith("/q/");
      case BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE -> true;
    };
  }

  private static ObjectNode response(List<ErrorKind> kinds) {
    String words =
        kinds.stream()
            .map(kind -> kind.name().toLowerCase(Locale.ROOT).replace('_', ' '))
            .collect(Collectors.joining(", or "));
    ObjectNode response = Json.object().put("description", words);
    ObjectNode headers = response.putObject("headers");
    kinds.forEach(kind -> headerNames(kind).forEach(name -> addHeader(headers, name)));
    response.putObject("content").putObject("application/json").set("schema", anyOf(kinds));
    return response;
  }

  /** What tells the client something; the kinds of one status have the same. */
  private static Stream<String> headerNames(ErrorKind kind) {
    return ErrorBody.headers(new ApiException(kind, null, "")).keySet().stream()
        .map(name -> name.toLowerCase(Locale.ROOT))
        .filter(name -> !name.equals("connection"));
  }

  private static void addCommonHeaders(JsonNode response) {
    if (!response.has("$ref")) {
      ObjectNode headers = ((ObjectNode) response).withObject("headers");
      addHeader(headers, "x-request-id");
      addHeader(headers, "openai-processing-ms");
    }
  }

  private static void addHeader(ObjectNode headers, String name) {
    headers.putObject(name).put("$ref", "#/components/headers/" + name);
  }
}
