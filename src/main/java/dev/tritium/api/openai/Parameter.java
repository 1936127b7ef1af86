package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * One row of the table of parameters: requests are read by it, and docs/api.md and the OpenAPI
 * document are made from it.
 *
 * @param shape what its value may be
 * @param otherwise what holds when it is not given, in words
 * @param meaning what it does; for one that is refused, what to use instead or why, if there is
 *     something to say
 */
record Parameter(String name, Shape shape, Status status, String otherwise, String meaning) {
  /** The {@code otherwise} of what must be given. */
  static final String REQUIRED = "required";

  /** What the server does with a parameter. */
  enum Status {
    SUPPORTED,
    /** Changes nothing in the answer. */
    ACCEPTED,
    /** Only a value that means off is taken. */
    REFUSED
  }

  static Parameter of(String name, Shape shape, String otherwise, String meaning) {
    return new Parameter(name, shape, Status.SUPPORTED, otherwise, meaning);
  }

  static Parameter accepted(String name, Shape shape) {
    return new Parameter(name, shape, Status.ACCEPTED, "none", "changes nothing in the answer");
  }

  /**
   * One that others support.
   *
   * @param instead the parameter to use, or empty
   * @param off the values that mean off, as JSON
   */
  static Parameter refused(String name, String instead, String... off) {
    return refusedSince(name, instead.isEmpty() ? "" : "use '" + instead + "'", off);
  }

  /** The same for a reason of its own. */
  static Parameter refusedSince(String name, String reason, String... off) {
    return new Parameter(name, Shape.oneOf(off), Status.REFUSED, "none", reason);
  }

  /**
   * Checks a value that is not null against the row.
   *
   * @throws ApiException naming the parameter, what was found and what is expected
   */
  void check(JsonNode value) {
    if (status != Status.REFUSED) {
      shape.check(name, value);
    } else if (!shape.fits().test(value)) {
      throw ApiException.invalid(name, refusal());
    }
  }

  /** The error of a parameter that is refused. */
  String refusal() {
    String off = shape.words();
    return "'%s' is not supported by this server%s%s"
        .formatted(
            name,
            off.equals("left out") ? "" : ", other than as " + off,
            meaning.isEmpty() ? "" : ": " + meaning);
  }

  /** The row as JSON Schema (draft 2020-12). */
  ObjectNode schema() {
    ObjectNode json =
        otherwise.equals(REQUIRED)
            ? (ObjectNode) Json.readValue(shape.schema())
            : shape.nullableSchema();
    return switch (status) {
      case SUPPORTED -> json.put("description", "%s. Default: %s".formatted(meaning, otherwise));
      case ACCEPTED -> json.put("description", "Accepted, and " + meaning);
      case REFUSED -> json.put("description", refusal()).put("deprecated", true);
    };
  }
}
