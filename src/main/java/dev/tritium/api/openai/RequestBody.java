package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A JSON body whose parameters were checked against an endpoint's table. */
final class RequestBody {
  private final ObjectNode json;
  private final Map<String, Parameter> table;

  private RequestBody(ObjectNode json, Map<String, Parameter> table) {
    this.json = json;
    this.table = table;
  }

  /**
   * Reads a body.
   *
   * @throws ApiException naming the first parameter that is unknown, unsupported, of the wrong type
   *     or out of range
   */
  static RequestBody read(byte[] body, Map<String, Parameter> table) {
    ObjectNode json = Json.readObject(body);
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      Parameter parameter = table.get(field.getKey());
      if (parameter == null) {
        String name = shortened(field.getKey());
        throw ApiException.invalid(name, "'%s' is not a known parameter".formatted(name));
      }
      if (!field.getValue().isNull()) {
        parameter.check(field.getValue());
      }
    }
    return new RequestBody(json, table);
  }

  private static String shortened(String name) {
    return name.length() <= 100 ? name : name.substring(0, 100) + "...";
  }

  /** A parameter's value, or null when it was not given. */
  @Nullable JsonNode get(String name) {
    if (!table.containsKey(name)) {
      throw new IllegalArgumentException(name + " is not in the endpoint's table");
    }
    JsonNode value = json.get(name);
    return value == null || value.isNull() ? null : value;
  }

  boolean has(String name) {
    return get(name) != null;
  }

  int integer(String name, int defaultValue) {
    JsonNode value = get(name);
    return value == null ? defaultValue : value.intValue();
  }

  double number(String name, double defaultValue) {
    JsonNode value = get(name);
    return value == null ? defaultValue : value.doubleValue();
  }

  boolean flag(String name, boolean defaultValue) {
    JsonNode value = get(name);
    return value == null ? defaultValue : value.booleanValue();
  }

  @Nullable String text(String name) {
    JsonNode value = get(name);
    return value == null ? null : value.textValue();
  }
}
