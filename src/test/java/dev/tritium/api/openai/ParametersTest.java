package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The tables of parameters and errors against the page that users read. */
class ParametersTest {
  private final String page = Files.readString(Path.of("docs/api.md"));

  ParametersTest() throws IOException {}

  @Test
  void everyParameterIsOnThePage() {
    Stream.of(Parameters.COMPLETIONS, Parameters.CHAT, Parameters.TOKENIZE, Parameters.DETOKENIZE)
        .flatMap(List::stream)
        .map(Parameter::name)
        .forEach(
            name ->
                assertTrue(
                    page.contains("`" + name + "`") || page.contains("\"" + name + "\""),
                    name + " is not in docs/api.md"));
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
  void noTableHasAParameterTwice() {
    for (List<Parameter> table : List.of(Parameters.COMPLETIONS, Parameters.CHAT)) {
      assertEquals(table.size(), table.stream().map(Parameter::name).distinct().count());
    }
  }
}
