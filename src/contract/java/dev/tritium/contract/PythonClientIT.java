package dev.tritium.contract;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The official Python client; what it does is in src/contract/python/cases.py. */
class PythonClientIT {
  @RegisterExtension static final ContractServer SERVER = new ContractServer();

  static List<Script.Case> cases() throws Exception {
    Path python = Script.CLIENTS.resolve("python/bin/python");
    return Script.cases(SERVER, python, python.toString(), "src/contract/python/cases.py");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void python(Script.Case result) {
    result.outcome().check();
  }
}
