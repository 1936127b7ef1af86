package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The tables of parameters and errors against the page that users read. */
class ParametersTest {
  private static final Path PAGE = Path.of("docs/api.md");

  private final String page = Files.readString(PAGE);

  ParametersTest() throws IOException {}

  /** The page's tables are made from the code's: {@code -Dtritium.write-docs} writes them. */
  @Test
  void thePageHasTheTables() throws IOException {
    String expected = page;
    for (Map.Entry<String, String> table : tables().entrySet()) {
      String begin = "<!-- table: %s -->\n".formatted(table.getKey());
      int from = expected.indexOf(begin) + begin.length();
      int to = expected.indexOf("<!-- end -->", from);
      assertTrue(from >= begin.length() && to > 0, () -> "no place for " + table.getKey());
      expected = expected.substring(0, from) + table.getValue() + expected.substring(to);
    }
    if (Boolean.getBoolean("tritium.write-docs")) {
      Files.writeString(PAGE, expected);
    } else {
      assertEquals(expected, page, "mvn test -Dtest=ParametersTest -Dtritium.write-docs=true");
    }
  }

  private static Map<String, String> tables() {
    return Map.of(
        "completions", supported(Parameters.COMPLETIONS_ONLY),
        "chat", supported(Parameters.CHAT_ONLY),
        "both", supported(Parameters.SHARED),
        "tokenize", supported(Parameters.TOKENIZE_ROWS),
        "detokenize", supported(Parameters.DETOKENIZE_ROWS),
        "load", supported(Parameters.LOAD_ROWS),
        "accepted", accepted(Parameters.ACCEPTED, Parameters.ACCEPTED_CHAT),
        "refused-completions", refused(Parameters.REFUSED_COMPLETIONS),
        "refused-chat", refused(Parameters.REFUSED_CHAT),
        "refused-peers", refused(Parameters.REFUSED_OF_PEERS));
  }

  private static String supported(List<Parameter> rows) {
    return rows.stream()
        .map(
            row ->
                "| `%s` | %s | %s | %s |\n"
                    .formatted(row.name(), row.shape().words(), row.otherwise(), row.meaning()))
        .collect(
            Collectors.joining(
                "", "| parameter | is | when left out | meaning |\n|---|---|---|---|\n", ""));
  }

  private static String refused(List<Parameter> rows) {
    return rows.stream()
        .map(row -> "| `%s` | %s |\n".formatted(row.name(), row.refusal()))
        .collect(Collectors.joining("", "| parameter | error |\n|---|---|\n", ""));
  }

  private static String accepted(List<Parameter> some, List<Parameter> more) {
    return Stream.concat(some.stream(), more.stream())
        .map(row -> "| `%s` | %s |\n".formatted(row.name(), row.shape().words()))
        .collect(Collectors.joining("", "| parameter | is |\n|---|---|\n", ""));
  }

  @Test
  void everyErrorIsOnThePage() {
    for (ErrorKind kind : ErrorKind.values()) {
      String code = kind.code() == null ? "null" : "`" + kind.code() + "`";
      String row = "| %d | `%s` | %s |".formatted(kind.status(), kind.type(), code);
      assertTrue(page.contains(row), kind + " is not in docs/api.md");
    }
  }

  @Test
  void valuesThatMeanOffAreEqualByValue() {
    Parameter parameter = Parameter.refused("length_penalty", "", "1");
    parameter.check(Json.readValue("1.0"));
    parameter.check(Json.readValue("1"));
    ApiException refusal =
        assertThrows(ApiException.class, () -> parameter.check(Json.readValue("1.5")));
    assertEquals(
        "'length_penalty' is not supported by this server, other than as 1", refusal.getMessage());
    assertThrows(ApiException.class, () -> parameter.check(Json.readValue("\"1\"")));
  }

  @Test
  void aSchemaSaysThatNullStandsForNotGivenUnlessItMustBe() {
    ObjectNode schema = Parameters.requestSchema(Parameters.COMPLETIONS);
    assertEquals("[\"prompt\"]", schema.get("required").toString());
    assertEquals("[\"integer\",\"null\"]", schema.at("/properties/seed/type").toString());
    assertEquals("[\"\",null]", schema.at("/properties/suffix/enum").toString());
    assertEquals("{\"type\":\"null\"}", schema.at("/properties/stop/oneOf").get(2).toString());
    assertEquals(4, schema.at("/properties/prompt/oneOf").size());
  }
}
