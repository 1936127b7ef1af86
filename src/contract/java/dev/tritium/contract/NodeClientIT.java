package dev.tritium.contract;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The official Node client; what it does is in src/contract/node/cases.js. */
class NodeClientIT {
  @RegisterExtension static final ContractServer SERVER = new ContractServer();

  static List<Script.Case> cases() throws Exception {
    Path modules = Script.CLIENTS.resolve("node/node_modules");
    Path script = modules.resolveSibling("cases.js"); // Node looks for modules beside the script
    if (Files.exists(modules)) {
      Files.copy(
          Path.of("src/contract/node/cases.js"), script, StandardCopyOption.REPLACE_EXISTING);
    }
    String node = Script.CLIENTS.resolve("python/bin/node").toString();
    return Script.cases(SERVER, modules, node, script.toString());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void node(Script.Case result) {
    result.outcome().check();
  }
}
