package dev.tritium;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs a copy of .ci/install-clients with a shell script for python3, and a PATH of just the tools
 * it may use.
 */
class InstallClientsTest {
  private static final String PINS = "src/contract/python/requirements.txt";
  private static final String VENV = "target/clients/python";

  @TempDir Path root;
  private Path tools;
  private Path calls;

  @BeforeEach
  void makeACheckout() throws IOException {
    tools = Files.createDirectory(root.resolve("tools"));
    for (String tool : List.of("sh", "cmp", "cp", "dirname", "mkdir", "rm", "touch")) {
      Files.createSymbolicLink(tools.resolve(tool), Programs.require(tool));
    }
    calls = Files.createFile(root.resolve("calls"));
    Programs.script(
        tools.resolve("python3"),
        """
        echo "python3 $*" >>'%1$s/calls'
        case $* in
          *ensurepip*) [ -e '%1$s/ensurepip' ] ;;
          '-m pip '*) [ -e '%1$s/pip' ] ;;
          '-m venv '*) mkdir -p %2$s/bin && cp '%1$s/fake-pip' %2$s/bin/pip ;;
        esac
        """
            .formatted(root, VENV));
    Programs.script(root.resolve("fake-pip"), "echo \"pip $*\" >>'%s'\n".formatted(calls));
    Programs.script(tools.resolve("id"), "echo 0\n"); // root
    Programs.write(root.resolve(PINS), "some==1\n");
    Programs.write(root.resolve("src/contract/node/package-lock.json"), "{}");
    for (String script : List.of(".ci/install-clients", ".ci/apt-install")) {
      Programs.script(root.resolve(script), Files.readString(Path.of(script)));
    }
  }

  @Test
  void aPythonWithEnsurepipGetsItsOwnPip() throws Exception {
    Files.createFile(root.resolve("ensurepip"));
    install();
    assertCalled("python3 -m venv " + VENV);
    assertCalled("pip install --quiet .*--requirement " + PINS);
    assertEquals("some==1\n", Files.readString(root.resolve(VENV + "/installed-from")));
  }

  @Test
  void aPythonWithoutEnsurepipIsServedByThePipThereIs() throws Exception {
    Files.createFile(root.resolve("pip"));
    install();
    assertCalled("python3 -m venv --without-pip " + VENV);
    assertCalled("python3 -m pip --python " + VENV + "/bin/python install .*" + PINS);
    assertTrue(Files.exists(root.resolve(VENV + "/installed-from")));
  }

  @Test
  void aPythonWithNeitherGetsDebiansPackage() throws Exception {
    Programs.script(
        tools.resolve("apt-get"),
        "case $* in *install*python3-venv) touch '%s/ensurepip' ;; esac\n".formatted(root));
    install();
    assertCalled("python3 -m venv " + VENV);
    assertTrue(Files.exists(root.resolve(VENV + "/installed-from")));
  }

  @Test
  void aPythonWithNoneOfThatIsSaidSoAndNothingElseEnds() throws Exception {
    String out = install();
    assertTrue(out.contains("Python clients: not installed"), out);
    assertTrue(out.contains("python3-venv"), out);
    assertTrue(out.contains("Node client: not installed"), out);
    assertFalse(Files.exists(root.resolve(VENV)), out);
  }

  /** What it writes when it ends well. */
  private String install() throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(root.resolve(".ci/install-clients").toString())
            .redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().put("PATH", tools.toString());
    Path log = root.resolve("log");
    Process process = builder.redirectOutput(log.toFile()).start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "it does not end");
    String out = Files.readString(log);
    assertEquals(0, process.exitValue(), out);
    return out;
  }

  private void assertCalled(String pattern) throws IOException {
    List<String> lines = Files.readAllLines(calls);
    assertTrue(
        lines.stream().anyMatch(line -> line.matches(pattern)), () -> pattern + ": " + lines);
  }
}
