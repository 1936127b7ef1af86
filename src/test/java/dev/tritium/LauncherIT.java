package dev.tritium;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs a copy of ./tritium in a made-up checkout, with shell scripts for java and mvn, no other JDK
 * in sight and a PATH of just the tools it may use. The real build folder is never touched.
 */
class LauncherIT {
  private static final List<String> TOOLS =
      List.of(
          "sh",
          "cat",
          "cksum",
          "dirname",
          "find",
          "ln",
          "mkdir",
          "mv",
          "ps",
          "readlink",
          "rm",
          "sed",
          "sleep",
          "sort",
          "touch",
          "tr");

  @TempDir Path root;
  private Path checkout;
  private Path tools;
  private Path mavenCalls;
  private Path jdk25;
  private final List<Process> started = new ArrayList<>();

  @BeforeEach
  void makeACheckout() throws Exception {
    root = root.toRealPath();
    checkout = Files.createDirectories(root.resolve("check out"));
    Programs.write(checkout.resolve("src/main/java/App.java"), "class App {}");
    Programs.write(checkout.resolve("src/main/java/Other.java"), "class Other {}");
    Programs.write(checkout.resolve("src/main/jvm/args"), "");
    Programs.write(checkout.resolve("pom.xml"), "<project/>");
    Programs.write(checkout.resolve(".mvn/jvm.config"), "");
    String launcher = Files.readString(Path.of("tritium"));
    String elsewhere =
        launcher.replaceFirst("(?m)^system= .*$", "system='" + root.resolve("system") + "'");
    assertFalse(elsewhere.equals(launcher), "the launcher's line `system=` has changed");
    Programs.script(checkout.resolve("tritium"), elsewhere);

    tools = Files.createDirectories(root.resolve("tools"));
    for (String tool : TOOLS) {
      Files.createSymbolicLink(tools.resolve(tool), Programs.require(tool));
    }
    mavenCalls = root.resolve("maven-calls");
    Programs.script(
        tools.resolve("mvn"),
        """
        #!/bin/sh
        echo "$JAVA_HOME $*" >>'%s'
        for arg; do
          case $arg in -Dtritium.target=*) target=${arg#*=} ;; esac
        done
        [ -z "$FAKE_EDIT" ] || { [ -e "$FAKE_EDIT" ] || echo edited >"$FAKE_EDIT"; }
        sleep ${FAKE_BUILD_SECONDS:-0}
        [ -z "$target" ] || { mkdir -p "$target/quarkus-app" && : >"$target/quarkus-app/quarkus-run.jar"; }
        [ -z "$FAKE_BUILD_ERROR" ] || { echo "$FAKE_BUILD_ERROR"; exit 3; }
        """
            .formatted(mavenCalls));
    jdk25 = jdk("jdks/temurin 25", "25.0.3");
  }

  @AfterEach
  void endWhatRuns() {
    started.forEach(Process::destroyForcibly);
  }

  @Test
  void takesJavaHome() throws Exception {
    Result result = launch(Map.of("JAVA_HOME", jdk25.toString()), "serve");
    assertEquals(0, result.status, result.toString());
    assertEquals(jdk25.toString(), result.java());
    assertTrue(
        calls().getFirst().startsWith(jdk25 + " "), "Maven must get the same JDK: " + calls());
  }

  @Test
  void passesOverAnOldJavaHomeAndAnOldJavaOnThePath() throws Exception {
    Path old = jdk("jdks/17", "17.0.15");
    Files.createSymbolicLink(tools.resolve("java"), old.resolve("bin/java"));
    Path found = jdk("system/usr/lib/jvm/some-25", "25");
    assertEquals(found.toString(), launch(Map.of("JAVA_HOME", old.toString()), "serve").java());
  }

  @Test
  void followsTheLinksOfJavaOnThePath() throws Exception {
    Path alternatives = Files.createDirectories(root.resolve("alternatives"));
    Files.createSymbolicLink(alternatives.resolve("java"), Path.of("../jdks/temurin 25/bin/java"));
    Files.createSymbolicLink(tools.resolve("java"), alternatives.resolve("java"));
    assertEquals(jdk25.toString(), launch(Map.of(), "serve").java());
  }

  @Test
  void findsAJdkInACommonFolder() throws Exception {
    for (String place :
        List.of(
            "home/.sdkman/candidates/java/25.0.3-tem",
            "home/.jdks/temurin-25.0.3",
            "system/usr/lib/jvm/temurin-25-jdk-amd64",
            "system/opt/jdk-26",
            "system/Library/Java/JavaVirtualMachines/temurin-25.jdk/Contents/Home")) {
      Path found = jdk(place, "26-ea");
      assertEquals(found + "\n", launch(Map.of(), "java-home").out, place);
      Files.delete(found.resolve("release"));
    }
  }

  @Test
  void saysWhatToInstallWhereNoJdkIsNewEnough() throws Exception {
    Path old = jdk("system/usr/lib/jvm/java-1.8.0", "1.8.0_402");
    Result result = launch(Map.of("JAVA_HOME", old.toString()), "serve");
    assertEquals(1, result.status);
    assertEquals(
        "tritium: Tritium needs a JDK 25 or newer: install one and set JAVA_HOME to its folder\n",
        result.err);
  }

  @Test
  void aRuntimeWithoutCompilerRunsWhatIsBuiltButBuildsNothing() throws Exception {
    Path jre = jdk("jdks/jre", "25.0.3");
    Files.delete(jre.resolve("bin/javac"));
    Map<String, String> withJre = Map.of("JAVA_HOME", jre.toString());
    Result unbuilt = launch(withJre, "serve");
    assertEquals(1, unbuilt.status);
    assertTrue(unbuilt.err.contains("building needs a JDK 25"), unbuilt.err);
    launchWithJdk("serve");
    assertEquals(jre.toString(), launch(withJre, "serve").java());
  }

  @Test
  void saysThatMavenIsMissing() throws Exception {
    Files.delete(tools.resolve("mvn"));
    Result result = launchWithJdk("serve");
    assertEquals(1, result.status);
    assertEquals(
        "tritium: building needs Apache Maven (3.8.7 or newer): install it and put mvn on the PATH\n",
        result.err);
  }

  @Test
  void worksThroughALinkFromAnyDirectory() throws Exception {
    Path link = Files.createSymbolicLink(root.resolve("link"), Path.of("check out/tritium"));
    Process process = start(link, tools, Map.of("JAVA_HOME", jdk25.toString()), "serve");
    Result result = finish(process);
    assertTrue(result.args().contains("-Dtritium.home=" + checkout), result.toString());
  }

  @Test
  void argumentsPassUntouched() throws Exception {
    List<String> args =
        List.of(
            "generate", "--prompt", "two  words", "it's \"$HOME\" \\ *", "", "@file", "-x", "a\nb");
    Result result = launchWithJdk(args.toArray(String[]::new));
    List<String> passed = result.args();
    assertEquals(args, passed.subList(passed.size() - args.size(), passed.size()));
    assertTrue(passed.contains("@" + checkout.resolve("src/main/jvm/args")), passed.toString());
  }

  @Test
  void extraJavaOptionsComeBeforeTheJar() throws Exception {
    Map<String, String> env =
        Map.of("JAVA_HOME", jdk25.toString(), "TRITIUM_JAVA_OPTS", "-Xmx1g  -Dstar=*");
    List<String> args = launch(env, "serve").args();
    int at = args.indexOf("-Xmx1g");
    assertEquals(List.of("-Xmx1g", "-Dstar=*", "-jar"), args.subList(at, at + 3));
  }

  @Test
  void theServerTakesOverTheProcessAndSoReceivesItsSignals() throws Exception {
    launchWithJdk("warm up");
    Process server = startServer();
    server.toHandle().destroy(); // SIGTERM
    Result result = finish(server);
    assertEquals(7, result.status, "the fake java's answer to SIGTERM");
    assertEquals(String.valueOf(server.pid()), result.out.lines().findFirst().orElseThrow());
  }

  @Test
  void buildsOnlyWhenTheSourcesDiffer() throws Exception {
    launchWithJdk("serve");
    Result again = launchWithJdk("serve");
    assertEquals("", again.err, "quiet when there is nothing to do");
    assertEquals(1, calls().size());

    Path source = checkout.resolve("src/main/java/App.java");
    FileTime time = Files.getLastModifiedTime(source);
    Files.writeString(source, "class App { int x; }");
    Files.setLastModifiedTime(source, time); // as a restored backup would
    launchWithJdk("serve");
    assertEquals(2, calls().size(), "changed");

    Files.delete(checkout.resolve("src/main/java/Other.java"));
    launchWithJdk("serve");
    assertEquals(3, calls().size(), "deleted");

    Programs.write(checkout.resolve(".mvn/jvm.config"), "-Xmx2g");
    launchWithJdk("serve");
    assertEquals(4, calls().size(), "build settings");
    assertEquals(1, builds().size(), "builds that nobody uses are removed: " + builds());
  }

  @Test
  void aFailedBuildStartsNothingAndShowsMavensWords() throws Exception {
    launchWithJdk("serve");
    Programs.write(checkout.resolve("src/main/java/App.java"), "broken");
    Map<String, String> env =
        Map.of("JAVA_HOME", jdk25.toString(), "FAKE_BUILD_ERROR", "[ERROR] App.java:1");
    Result result = launch(env, "serve");
    assertEquals(1, result.status);
    assertEquals("", result.out);
    assertTrue(result.err.contains("[ERROR] App.java:1"), result.err);
    assertEquals(
        0, launchWithJdk("serve").status, "and leaves nothing behind that hinders the next");
  }

  @Test
  void twoAtOnceBuildOnce() throws Exception {
    Map<String, String> env = Map.of("JAVA_HOME", jdk25.toString(), "FAKE_BUILD_SECONDS", "1");
    Process first = start(checkout.resolve("tritium"), root, env, "serve");
    Process second = start(checkout.resolve("tritium"), root, env, "serve");
    assertEquals(0, finish(first).status);
    assertEquals(0, finish(second).status);
    assertEquals(1, calls().size());
  }

  @Test
  void sourcesEditedDuringTheBuildAreBuiltAgain() throws Exception {
    Path edit = checkout.resolve("src/main/java/New.java");
    Map<String, String> env = Map.of("JAVA_HOME", jdk25.toString(), "FAKE_EDIT", edit.toString());
    assertEquals(0, launch(env, "serve").status);
    assertEquals(2, calls().size());
    assertEquals("", launchWithJdk("serve").err);
  }

  @Test
  void aRunningServerKeepsItsJarsThroughARebuild() throws Exception {
    launchWithJdk("warm up");
    Path itsBuild = builds().getFirst();
    Process server = startServer();
    Programs.write(checkout.resolve("src/main/java/App.java"), "class App { int x; }");
    launchWithJdk("generate");
    assertTrue(Files.exists(itsBuild.resolve("quarkus-run.jar")));
    assertEquals(2, builds().size());

    server.toHandle().destroy();
    finish(server);
    Programs.write(checkout.resolve("src/main/java/App.java"), "class App { int y; }");
    launchWithJdk("generate");
    assertEquals(1, builds().size(), "removed once nobody uses it");
  }

  @Test
  void terminatedDuringABuildItEndsMavenAndLeavesNoLock() throws Exception {
    Map<String, String> env = Map.of("JAVA_HOME", jdk25.toString(), "FAKE_BUILD_SECONDS", "60");
    Process process = start(checkout.resolve("tritium"), root, env, "serve");
    await(() -> Files.exists(mavenCalls));
    ProcessHandle maven = process.children().findFirst().orElseThrow();
    process.toHandle().destroy(); // unlike Process.destroy, leaves the streams open
    assertEquals(143, finish(process).status);
    await(() -> !maven.isAlive());
    assertEquals(List.of(), builds());
    assertFalse(Files.isSymbolicLink(checkout.resolve("target/run/lock")));
  }

  @Test
  void theLockOfADeadProcessIsTakenOver() throws Exception {
    Process dead = new ProcessBuilder("true").start();
    dead.waitFor();
    Path lock = Files.createDirectories(checkout.resolve("target/run")).resolve("lock");
    Files.createSymbolicLink(lock, Path.of(String.valueOf(dead.pid())));
    assertEquals(0, launchWithJdk("serve").status);
  }

  @Test
  void testIsMavensVerifyWithItsExitStatus() throws Exception {
    Map<String, String> env =
        Map.of("JAVA_HOME", jdk25.toString(), "FAKE_BUILD_ERROR", "[ERROR] Tests run: 1");
    Result result = launch(env, "test", "-Dtest=A Test");
    assertEquals(3, result.status);
    assertEquals(List.of(jdk25 + " -B -ntp verify -Dtest=A Test"), calls());
    assertEquals("[ERROR] Tests run: 1\n", result.out);
  }

  /** What a launch left: args are those of java, or none when it was not started. */
  private record Result(int status, String out, String err) {
    String java() {
      return out.lines().skip(1).findFirst().orElseThrow(() -> new AssertionError(toString()));
    }

    List<String> args() {
      return Stream.of(out.split("\0")).skip(1).toList();
    }
  }

  private Result launchWithJdk(String... args) throws Exception {
    return launch(Map.of("JAVA_HOME", jdk25.toString()), args);
  }

  private Result launch(Map<String, String> env, String... args) throws Exception {
    return finish(start(checkout.resolve("tritium"), root, env, args));
  }

  private Process startServer() throws Exception {
    Path running = root.resolve("running");
    Map<String, String> env =
        Map.of("JAVA_HOME", jdk25.toString(), "FAKE_SERVER", running.toString());
    Process server = start(checkout.resolve("tritium"), root, env, "serve");
    await(() -> Files.exists(running));
    return server;
  }

  private Process start(Path launcher, Path directory, Map<String, String> env, String... args)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().clear();
    builder.environment().putAll(env);
    builder.environment().put("PATH", tools.toString());
    builder.environment().put("HOME", root.resolve("home").toString());
    Process process = builder.start();
    started.add(process);
    return process;
  }

  private static Result finish(Process process) throws Exception {
    assertTrue(process.waitFor(20, TimeUnit.SECONDS), "still runs: " + process.info());
    return new Result(
        process.exitValue(),
        new String(process.getInputStream().readAllBytes(), UTF_8),
        new String(process.getErrorStream().readAllBytes(), UTF_8));
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 1000 && !condition.getAsBoolean(); i++) {
      Thread.sleep(10);
    }
    assertTrue(condition.getAsBoolean());
  }

  /**
   * A folder that looks like a JDK; its java prints its pid, its home and its arguments, each after
   * a NUL.
   */
  private Path jdk(String place, String version) throws IOException {
    Path home = root.resolve(place);
    Programs.write(
        home.resolve("release"), "IMPLEMENTOR=\"Fake\"\nJAVA_VERSION=\"" + version + "\"\n");
    Programs.script(home.resolve("bin/javac"), "#!/bin/sh\n");
    Programs.script(
        home.resolve("bin/java"),
        """
        #!/bin/sh
        echo $$
        echo '%s'
        printf '\\0%%s' "$@"
        [ -n "$FAKE_SERVER" ] || exit 0
        trap 'kill $!; exit 7' TERM
        sleep 60 >/dev/null 2>&1 &
        : >"$FAKE_SERVER"
        wait
        """
            .formatted(home));
    return home;
  }

  private List<String> calls() throws IOException {
    return Files.exists(mavenCalls) ? Files.readAllLines(mavenCalls) : List.of();
  }

  private List<Path> builds() throws IOException {
    try (Stream<Path> builds = Files.list(checkout.resolve("target/run"))) {
      return builds.filter(Files::isDirectory).toList();
    }
  }
}
