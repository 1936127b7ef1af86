import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Reads the tests' XML reports below the working directory: lists failed and skipped tests, then prints the total.
 *
 * <p>Ends with 1 when a test failed, when one was skipped that .ci/allowed-skips does not name, or when none passed.
 */
final class Report {
  private static final List<Path> FOLDERS =
      List.of(
          Path.of("target/surefire-reports"), Path.of("target/failsafe-reports"), Path.of("target/loadtests/surefire-reports"));
  private static final Path ALLOWED_SKIPS = Path.of(".ci/allowed-skips");

  private int passed;
  private final List<String> failed = new ArrayList<>();
  private final List<String> skipped = new ArrayList<>();
  private final List<String> notAllowed = new ArrayList<>();

  public static void main(String[] args) throws Exception {
    Report report = new Report();
    Set<String> allowed = allowedSkips();
    for (Path folder : FOLDERS) {
      for (Path file : reportsIn(folder)) {
        report.read(file, allowed);
      }
    }
    System.exit(report.print() ? 0 : 1);
  }

  private static Set<String> allowedSkips() throws IOException {
    Set<String> allowed = new HashSet<>();
    for (String line : Files.readAllLines(ALLOWED_SKIPS)) {
      if (!line.isBlank() && !line.startsWith("#")) {
        String[] nameAndReason = line.split(":", 2);
        if (nameAndReason.length < 2 || nameAndReason[1].isBlank()) {
          throw new IOException(ALLOWED_SKIPS + ": no reason given: " + line);
        }
        allowed.add(nameAndReason[0].strip());
      }
    }
    return allowed;
  }

  private static List<Path> reportsIn(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> f.getFileName().toString().matches("TEST-.*\\.xml")).sorted().toList();
    }
  }

  private void read(Path file, Set<String> allowed) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
    NodeList tests;
    try {
      tests = factory.newDocumentBuilder().parse(file.toFile()).getElementsByTagName("testcase");
    } catch (org.xml.sax.SAXException e) { // a test JVM that died while writing
      failed.add(file + ": unreadable report: " + e.getMessage());
      return;
    }
    if (tests.getLength() == 0) { // Surefire is silent about a class whose @BeforeAll gave up
      String type = file.getFileName().toString().replaceFirst(".*\\.(?=.+\\.xml$)", "").replaceFirst("\\.xml$", "");
      skip(type, "", "no test of this class ran: an assumption in @BeforeAll?", allowed);
    }
    for (int i = 0; i < tests.getLength(); i++) {
      Element test = (Element) tests.item(i);
      String type = test.getAttribute("classname").replaceFirst(".*\\.", "");
      String method = test.getAttribute("name");
      if (has(test, "failure") || has(test, "error")) {
        failed.add(type + "#" + method);
      } else if (has(test, "skipped")) {
        skip(type, method, reason((Element) test.getElementsByTagName("skipped").item(0)), allowed);
      } else {
        passed++;
      }
    }
  }

  private void skip(String type, String method, String reason, Set<String> allowed) {
    String name = method.isEmpty() ? type : type + "#" + method;
    skipped.add(name + ": " + reason);
    // A parameterised test is reported as method(int)[1].
    if (!allowed.contains(type) && !allowed.contains(name.replaceFirst("[({\\[ ].*", ""))) {
      notAllowed.add(name);
    }
  }

  private static boolean has(Element test, String child) {
    return test.getElementsByTagName(child).getLength() > 0;
  }

  /** The message of a disabled test; a failed assumption has only the text of its exception, a stack trace behind it. */
  private static String reason(Element skip) {
    String message = skip.hasAttribute("message") ? skip.getAttribute("message") : skip.getTextContent().split("\\R\\s+at ")[0];
    return message.replaceFirst("^[\\w.$]*TestAbortedException:\\s*", "").strip().replaceAll("\\s+", " ");
  }

  /** Returns whether all is well. */
  private boolean print() {
    print("Failed tests", failed);
    print("Skipped tests", skipped);
    print("Skipped, but not named in " + ALLOWED_SKIPS, notAllowed);
    if (passed == 0) {
      System.out.println("No test passed: did any run?");
    }
    System.out.println(passed + " passed, " + failed.size() + " failed, " + skipped.size() + " skipped");
    return passed > 0 && failed.isEmpty() && notAllowed.isEmpty();
  }

  private static void print(String title, List<String> lines) {
    if (!lines.isEmpty()) {
      System.out.println(title + ":");
      lines.forEach(line -> System.out.println("  " + line));
    }
  }
}
