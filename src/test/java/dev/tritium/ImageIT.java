package dev.tritium;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.CreateContainerCmd;
import com.github.dockerjava.api.command.InspectContainerResponse.ContainerState;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.ContainerConfig;
import com.github.dockerjava.api.model.HealthCheck;
import dev.tritium.testing.Api;
import dev.tritium.testing.Api.Answer;
import dev.tritium.testing.Sse;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.Container.ExecResult;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.startupcheck.StartupCheckStrategy;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.MountableFile;

/** The image of the Dockerfile, built from the packaged application and run by a real Docker. */
@SuppressWarnings("NullAway.Init") // set by build
class ImageIT {
  private static final String TAG = "tritium-test:latest";
  private static final String PATH = "/v1/completions";
  private static final int PORT = 8080;
  private static final long MEMORY_BYTES = 512 << 20;
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @TempDir static Path folder;
  private static DockerClient docker;
  private static Server shared; // as the strictest cluster runs it
  private final List<Server> started = new ArrayList<>();

  /** A container of the image. */
  private static final class Server extends GenericContainer<Server> {
    Server() {
      super(TAG);
    }

    /** One that serves until it is told to end. */
    static Server serving() {
      return new Server()
          .withExposedPorts(PORT)
          .waitingFor(Wait.forHttp("/q/health/ready").forPort(PORT).withStartupTimeout(PATIENCE));
    }

    /** One that is expected to end by itself. */
    static Server ending(String... command) {
      return new Server().withCommand(command).withStartupCheckStrategy(new Ended());
    }

    Server with(Consumer<CreateContainerCmd> setting) {
      return withCreateContainerCmdModifier(setting);
    }

    Server hardened() {
      return with(
          command ->
              command
                  .getHostConfig()
                  .withReadonlyRootfs(true)
                  .withCapDrop(Capability.ALL)
                  .withSecurityOpts(List.of("no-new-privileges"))
                  .withPidsLimit(200L)
                  .withMemory(MEMORY_BYTES)
                  .withMemorySwap(MEMORY_BYTES));
    }

    Api api() {
      return Api.ready(URI.create("http://%s:%d".formatted(getHost(), getMappedPort(PORT))));
    }

    ContainerState state() {
      return docker.inspectContainerCmd(getContainerId()).exec().getState();
    }
  }

  /** Waits until a container has ended, however it did. */
  private static final class Ended extends StartupCheckStrategy {
    Ended() {
      withTimeout(PATIENCE);
    }

    @Override
    public StartupStatus checkStartupState(DockerClient client, String container) {
      return "exited".equals(getCurrentState(client, container).getStatus())
          ? StartupStatus.SUCCESSFUL
          : StartupStatus.NOT_YET_KNOWN;
    }
  }

  @BeforeAll
  static void build() throws Exception {
    assumeTrue(
        DockerClientFactory.instance().isDockerAvailable(),
        "no Docker engine answers: .ci/install-docker starts one");
    docker = DockerClientFactory.lazyClient();
    Path log = folder.resolve("build.log");
    Process build =
        new ProcessBuilder(".ci/build-image", TAG)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertTrue(build.waitFor(5, TimeUnit.MINUTES), () -> "the build takes long: " + read(log));
    assertEquals(0, build.exitValue(), () -> read(log));
    shared =
        Server.serving()
            .hardened()
            .with(c -> c.withHealthcheck(new HealthCheck().withInterval(5_000_000_000L)));
    shared.start();
  }

  @AfterAll
  static void end() {
    if (shared != null) {
      shared.stop();
    }
  }

  @AfterEach
  void endWhatRuns() {
    started.forEach(Server::stop);
  }

  private Server start(Server server) {
    started.add(server);
    server.start();
    return server;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void answersReadOnlyWithoutCapabilities() {
    Api api = shared.api();
    JsonNode whole =
        api.ask(PATH, "prompt", "Once upon a time", "max_tokens", 40, "temperature", 0);
    Sse stream =
        api.stream(
            PATH, "prompt", "Once upon a time", "max_tokens", 40, "temperature", 0, "stream", true);
    assertFalse(stream.text(0).isBlank());
    assertEquals(whole.at("/choices/0/text").textValue(), stream.text(0));
    JsonNode json =
        api.ask(
            PATH,
            "prompt",
            "A",
            "max_tokens",
            60,
            "response_format",
            Map.of("type", "json_object"));
    assertTrue(json.at("/choices/0/text").textValue().startsWith("{"), json::toString);
    assertTrue(api.metric("llm_generated_tokens_total") >= 80);
    assertEquals(1, api.metric("llm_kernel_info"));
    assertEquals(200, api.get("/").status());
  }

  @Test
  void needsNoWritableFolderForTheBundledModel() {
    List<String> complaints =
        shared.getLogs().lines().filter(line -> line.matches(".* (WARN|ERROR)\\w* .*")).toList();
    assertEquals(1, complaints.size(), shared::getLogs); // that it has no API keys
    assertTrue(complaints.getFirst().contains("tritium.api-keys-file"), complaints::toString);
  }

  @Test
  void dockerFindsItHealthy() {
    Api.await(
        "it is healthy", PATIENCE, () -> "healthy".equals(shared.state().getHealth().getStatus()));
  }

  @Test
  void healthSaysWhatIsWrong() throws Exception {
    List<String> command = new ArrayList<>(config().getHealthcheck().getTest());
    assertEquals("CMD", command.removeFirst()); // no shell
    command.addAll(List.of("--port", "1"));
    ExecResult health = shared.execInContainer(command.toArray(String[]::new));
    assertEquals(1, health.getExitCode(), health::toString);
    assertTrue(health.getStderr().contains("port 1: no answer"), health::toString);
  }

  @Test
  void saysWhatItIsAndRunsAsANumberedUser() throws Exception {
    ContainerConfig config = config();
    assertTrue(String.valueOf(config.getUser()).matches("[1-9]\\d+:[1-9]\\d+"), config::toString);
    assertEquals(config.getUser(), id("-u") + ":" + id("-g"));
    assertEquals(Set.of("/models"), config.getVolumes().keySet());
    Server version = start(Server.ending("--version"));
    String said = version.getLogs();
    String label = config.getLabels().get("org.opencontainers.image.version");
    assertTrue(said.contains("tritium " + label + "\n"), () -> label + " or " + said);
  }

  private static String id(String option) throws Exception {
    return shared.execInContainer("id", option).getStdout().strip();
  }

  private static ContainerConfig config() {
    return docker.inspectImageCmd(TAG).exec().getConfig();
  }

  @Test
  void itsJvmHasEveryModuleThatTheJarsNeed() throws Exception {
    String listed = shared.execInContainer("java", "--list-modules").getStdout();
    Set<String> present =
        listed.lines().map(module -> module.replaceFirst("@.*", "")).collect(Collectors.toSet());
    Set<String> needed = neededModules();
    assertTrue(needed.contains("jdk.incubator.vector"), needed::toString);
    needed.removeAll(present);
    assertEquals(Set.of(), needed);
  }

  /** The JDK's modules that a class names which the application's classes lead to. */
  private static Set<String> neededModules() throws IOException {
    List<String> jars;
    try (Stream<Path> files = Files.walk(Path.of("target/quarkus-app"))) {
      jars = files.map(Path::toString).filter(file -> file.endsWith(".jar")).toList();
    }
    List<String> arguments = new ArrayList<>(List.of("-recursive", "-summary"));
    arguments.addAll(List.of("--multi-release", "25"));
    arguments.addAll(List.of("--class-path", String.join(File.pathSeparator, jars)));
    jars.stream().filter(jar -> jar.contains("/app/")).forEach(arguments::add);
    StringWriter summary = new StringWriter();
    PrintWriter out = new PrintWriter(summary);
    ToolProvider jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
    assertEquals(
        0, jdeps.run(out, out, arguments.toArray(String[]::new)), () -> summary.toString());
    Set<String> modules = new TreeSet<>();
    Matcher arrow =
        Pattern.compile("-> (java|jdk)(\\.\\w+)+$", Pattern.MULTILINE).matcher(summary.toString());
    while (arrow.find()) {
      modules.add(arrow.group().substring("-> ".length()));
    }
    return modules;
  }

  @Test
  void threadsAndHeapFollowTheContainersLimits() {
    Server small =
        start(
            Server.serving().hardened().with(c -> c.getHostConfig().withNanoCPUs(1_000_000_000L)));
    assertTrue(small.getLogs().contains(" 1 threads"), small::getLogs);
    double heapBytes =
        small
            .api()
            .get("/q/metrics")
            .body()
            .lines()
            .filter(line -> line.startsWith("jvm_memory_max_bytes{area=\"heap\""))
            .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
            .sum();
    assertTrue(heapBytes > 0 && heapBytes <= MEMORY_BYTES / 2, () -> heapBytes + " bytes of heap");
  }

  @Test
  void manyStreamsAndAFullPrefixCacheFitInto512MiB() throws Exception {
    Server server = start(Server.serving().hardened().withEnv("TRITIUM_PREFIX_CACHE_CHUNK", "1"));
    Api api = server.api();
    Random random = new Random(1);
    List<Future<Answer>> answers = new ArrayList<>();
    try (ExecutorService clients = Executors.newFixedThreadPool(16)) {
      for (int client = 0; client < 40; client++) { // 12 KiB a token: 520 MiB, were it not bounded
        int[] prompt = random.ints(1_000, 3, 4_096).toArray();
        String body = Api.body("prompt", prompt, "max_tokens", 100, "stream", true, "logprobs", 5);
        answers.add(clients.submit(() -> api.post(PATH, body)));
      }
    }
    for (Future<Answer> answer : answers) {
      assertEquals(200, answer.get().status(), () -> server.getLogs());
      Sse.read(answer.get().body());
    }
    assertEquals(false, server.state().getOOMKilled());
    assertEquals(true, server.state().getRunning(), server::getLogs);
  }

  @Test
  void dockerStopCutsNoStream() throws Exception {
    Server server = start(Server.serving());
    Api api = server.api();
    String body =
        Api.body("prompt", "Once", "max_tokens", 1_000, "ignore_eos", true, "stream", true);
    List<Future<Answer>> streams = new ArrayList<>();
    try (ExecutorService clients = Executors.newFixedThreadPool(8)) {
      for (int client = 0; client < 8; client++) {
        streams.add(clients.submit(() -> api.post(PATH, body)));
      }
      Api.await("they run", PATIENCE, () -> api.running() == 8);
      docker.stopContainerCmd(server.getContainerId()).withTimeout(60).exec();
      assertEquals(0, server.state().getExitCodeLong());
    }
    for (Future<Answer> stream : streams) {
      Sse events = Sse.read(stream.get().body());
      assertEquals("length", events.finishReason(0));
    }
  }

  @Test
  void aWrongModelPathEndsItWithOneLine() {
    Server server = start(Server.ending("serve", "--model", "/models/none"));
    assertEquals(1, server.state().getExitCodeLong());
    List<String> lines = server.getLogs().lines().filter(line -> !line.isBlank()).toList();
    assertTrue(lines.getFirst().contains("incubator"), lines::toString); // the JVM's, always
    assertEquals(2, lines.size(), lines::toString);
    assertTrue(lines.getLast().contains("/models/none is not a folder"), lines::toString);
  }

  @Test
  void servesAModelOutOfTheVolume() {
    MountableFile tiny = MountableFile.forHostPath("src/test/resources/golden/hgrn-tiny");
    Server server =
        start(
            Server.serving()
                .withCopyFileToContainer(tiny, "/models/tiny")
                .withCommand("serve", "--model", "/models/tiny"));
    JsonNode models = server.api().get("/v1/models").json();
    assertEquals("tiny", models.at("/data/0/id").textValue());
    assertFalse(server.getLogs().contains("cannot write"), server::getLogs);
  }

  @Test
  void aFullVolumeIsNamedAndTheModelIsServedFromMemory() {
    Server server =
        start(
            Server.serving()
                .withTmpFs(Map.of("/models", "size=1m"))
                .withEnv("TRITIUM_CACHE", "/models/cache"));
    List<String> said =
        server.getLogs().lines().filter(line -> line.contains("cannot write")).toList();
    assertEquals(1, said.size(), server::getLogs);
    assertTrue(said.getFirst().contains("No space left on device"), said::toString);
    assertTrue(said.getFirst().contains("set TRITIUM_CACHE"), said::toString);
    assertNotNull(server.api().ask(PATH, "prompt", "A", "max_tokens", 4).get("choices"));
  }
}
