package dev.tritium.loadtests;

import com.fasterxml.jackson.databind.JsonNode;
import io.gatling.app.Gatling$;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs scenarios and judges what their clients saw. */
@Command(
    name = "loadtests/run",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = {
      "Puts load on a server that runs, and fails if a rule is broken. Scenarios:",
      "smoke, steady, burst, soak, slow-readers, cancel-storm, overload, drain, or all of them.",
      "Nothing is started, but by drain: without --pid it starts ./tritium serve and ends it."
    },
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      "0:all rules hold",
      "1:a rule is broken",
      "2:there is no server, or an option is wrong"
    })
public final class Main implements Callable<Integer> {
  private static final double SLOWER_IN_SECOND_HALF = 2; // a token, at most
  private static final double SLOWER_BESIDE_SLOW_READERS = 3;
  private static final Duration END = Duration.ofSeconds(60);

  @Spec private @Nullable CommandSpec spec;

  @Parameters(paramLabel = "SCENARIO", arity = "1..*", description = "What to do.")
  private List<String> names = List.of();

  @Option(
      names = "--url",
      defaultValue = "http://127.0.0.1:8080",
      description = "The server. Default: ${DEFAULT-VALUE}")
  private URI url = URI.create("");

  @Option(
      names = "--model",
      description = "The model's id. Default: the first one that the server names")
  private @Nullable String model;

  @Option(
      names = "--key",
      defaultValue = "${env:LOADTESTS_KEY}",
      description = "API key. Default: variable LOADTESTS_KEY")
  private @Nullable String key;

  @Option(names = "--seconds", description = "How long clients come. Default: the scenario's own")
  private @Nullable Integer seconds;

  @Option(names = "--rate", description = "Requests a second of steady, slow-readers, cancel-storm")
  private @Nullable Double perSecond;

  @Option(
      names = "--clients",
      description = "Clients of a burst, of soak, overload, drain; slow readers")
  private @Nullable Integer clients;

  @Option(
      names = "--scale",
      defaultValue = "1",
      description = "Of the lengths of prompts and answers. Default: ${DEFAULT-VALUE}")
  private double scale;

  @Option(
      names = "--answer-tokens",
      description = "Of the answers of overload (128) and drain (2000)")
  private @Nullable Integer answerTokens;

  @Option(
      names = "--first-ms",
      description = "Bound of the 99th percentile of times to the first token")
  private @Nullable Integer firstMillis;

  @Option(names = "--gap-ms", description = "Bound of the 99th percentile of gaps between tokens")
  private @Nullable Integer gapMillis;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Of arrivals and requests. Default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(names = "--pid", description = "The server's process, which drain ends")
  private @Nullable Long pid;

  @Option(
      names = "--out",
      description = "Folder for reports. Default: a new one in target/loadtests/reports")
  private @Nullable Path out;

  @Option(names = "--no-charts", description = "No HTML, only the tables")
  private boolean noCharts;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Prints this.")
  @SuppressWarnings("UnusedVariable") // picocli prints it by itself
  private boolean help;

  private Main() {}

  /** Runs and ends the JVM with the exit status. */
  public static void main(String[] args) {
    // Gatling looks for its newest version and keeps that in the user's preferences: it shall do
    // neither.
    System.setProperty("https.proxyHost", "127.0.0.1");
    System.setProperty("https.proxyPort", "9");
    System.setProperty("java.util.prefs.userRoot", System.getProperty("java.io.tmpdir"));
    System.exit(
        new CommandLine(new Main())
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setExecutionExceptionHandler(
                (e, line, result) -> {
                  line.getErr().println("loadtests: " + e.getMessage());
                  return CommandLine.ExitCode.USAGE;
                })
            .execute(args));
  }

  @Override
  public Integer call() throws Exception {
    Path home = Path.of(System.getProperty("tritium.home", ""));
    String time =
        LocalDateTime.now(ZoneId.systemDefault())
            .format(DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH-mm-ss"));
    Path reports = out == null ? home.resolve("target/loadtests/reports").resolve(time) : out;
    List<Scenario> scenarios = scenarios();
    check();
    for (Scenario scenario : scenarios) {
      if (Files.exists(reports.resolve(scenario.toString()))) {
        throw wrong(reports.resolve(scenario.toString()) + " is there already: --out");
      }
    }
    boolean well = true;
    if (scenarios.size() == 1) {
      well = run(scenarios.getFirst(), home, reports);
    } else {
      for (Scenario scenario : scenarios) { // Gatling runs once in a JVM
        int status = child(scenario, reports);
        if (status > 1) {
          return status;
        }
        well &= status == 0;
      }
    }
    List<JsonNode> results = new ArrayList<>();
    for (Scenario scenario : scenarios) {
      results.add(Report.read(reports.resolve(scenario.toString())));
    }
    String table = Report.markdown(results);
    Files.writeString(reports.resolve("results.md"), table);
    System.out.println();
    System.out.print(table);
    System.out.println("Reports: " + reports.toAbsolutePath());
    return well ? 0 : 1;
  }

  private List<Scenario> scenarios() {
    if (names.equals(List.of("all"))) {
      return List.of(Scenario.values());
    }
    List<Scenario> chosen = new ArrayList<>();
    for (String name : names) {
      chosen.add(
          Arrays.stream(Scenario.values())
              .filter(scenario -> scenario.toString().equals(name))
              .findFirst()
              .orElseThrow(() -> wrong("there is no scenario " + name)));
    }
    return chosen.stream().distinct().toList();
  }

  private void check() {
    if (!List.of("http", "https").contains(url.getScheme()) || url.getHost() == null) {
      throw wrong("--url must be like http://host:8080, not " + url);
    }
    url = URI.create(url.toString().replaceFirst("/+$", ""));
    for (Number number : Arrays.asList(seconds, perSecond, clients, scale, answerTokens)) {
      if (number != null && !(number.doubleValue() > 0)) {
        throw wrong("--seconds, --rate, --clients, --scale and --answer-tokens must be above 0");
      }
    }
  }

  private ParameterException wrong(String what) {
    return new ParameterException(Objects.requireNonNull(spec).commandLine(), what);
  }

  /** The same command for one scenario. */
  private int child(Scenario scenario, Path reports) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.add(scenario.toString());
    for (OptionSpec option :
        Objects.requireNonNull(spec).commandLine().getParseResult().matchedOptions()) {
      String name = option.longestName();
      if (!name.equals("--out") && !name.equals("--key")) {
        command.add(name);
        if (option.arity().max() > 0) {
          command.add(option.getValue().toString());
        }
      }
    }
    command.addAll(List.of("--out", reports.toString()));
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    if (key != null) {
      builder.environment().put("LOADTESTS_KEY", key); // arguments can be read by other processes
    }
    return builder.start().waitFor();
  }

  private boolean run(Scenario scenario, Path home, Path reports) throws Exception {
    Files.createDirectories(reports);
    try (StoppableServer server = scenario == Scenario.DRAIN ? server(home, reports) : null) {
      Target target = new Target(server == null ? url : server.url(), key);
      boolean own = server != null && pid == null; // it serves what it serves
      String id = model == null || own ? target.model() : model;
      String sample = new Traffic(id, 1, 1, seed).sentences(1_000);
      // Scenarios ask a server different things, else those of one would find the prompts of
      // another in its cache.
      long ofScenario = 31 * seed + scenario.toString().hashCode();
      Traffic traffic = new Traffic(id, target.wordsPerToken(sample), scale, ofScenario);
      Run run = new Run(scenario, settings(scenario), target, traffic, server);
      Run.setCurrent(run);
      System.out.printf("%s: %s; model %s at %s%n", scenario, scenario.what, id, target.url());
      List<String> arguments =
          new ArrayList<>(
              List.of(
                  "--simulation",
                  LoadTest.class.getName(),
                  "--results-folder",
                  reports.toString()));
      arguments.addAll(
          List.of("--run-description", scenario + ": " + scenario.what + "; model " + id));
      if (noCharts) {
        arguments.add("--no-reports");
      }
      int status =
          Gatling$.MODULE$.fromArgs(arguments.toArray(new String[0])); // main would end the JVM
      run.require(status == 0, "requests failed that should not: see Gatling's report");
      judge(run);
      Path folder = reports.resolve(scenario.toString());
      try (Stream<Path> files = Files.list(reports)) {
        for (Path file :
            files.filter(f -> f.getFileName().toString().startsWith("loadtest-")).toList()) {
          Files.move(file, folder);
        }
      }
      Report.write(run, id, folder);
      return run.broken().isEmpty();
    }
  }

  private StoppableServer server(Path home, Path reports) throws Exception {
    if (pid != null) {
      return StoppableServer.running(pid, url);
    }
    return StoppableServer.start(home.resolve("tritium").toString(), reports.resolve("server.log"));
  }

  private Run.Settings settings(Scenario scenario) {
    return new Run.Settings(
        Duration.ofSeconds(seconds == null ? scenario.seconds : seconds),
        perSecond == null ? scenario.perSecond : perSecond,
        clients == null ? scenario.clients : clients,
        firstMillis == null ? scenario.firstMillis : firstMillis,
        gapMillis == null ? scenario.gapMillis : gapMillis,
        seed,
        answerTokens == null ? (scenario == Scenario.DRAIN ? 2_000 : 128) : answerTokens);
  }

  private static void judge(Run run) throws IOException, InterruptedException {
    run.judge();
    List<Phase> phases = run.phases();
    if (run.server != null) {
      String problem = run.server.problemOfEnd(END);
      run.require(problem == null, "the server's end: " + problem);
      run.require(
          phases.getFirst().whole() == run.settings.clients(),
          "not every stream that had begun is whole");
      return;
    }
    run.require(run.target.idle(END), "something still runs a minute after the last request");
    switch (run.scenario) {
      case OVERLOAD ->
          run.require(
              phases.getFirst().refused() > 0,
              "nothing was refused, so this was no overload: more --clients");
      case SOAK -> slower(run, phases.getFirst(), phases.getLast(), SLOWER_IN_SECOND_HALF);
      case SLOW_READERS -> slower(run, phases.get(1), phases.get(2), SLOWER_BESIDE_SLOW_READERS);
      default -> {}
    }
  }

  private static void slower(Run run, Phase before, Phase then, double atMost) {
    OptionalDouble fast = before.tokenMillis(50);
    OptionalDouble slow = then.tokenMillis(50);
    run.require(
        fast.isEmpty() || slow.isEmpty() || slow.getAsDouble() <= atMost * fast.getAsDouble(),
        "%s: a token takes %.2f ms, %.2f before"
            .formatted(then.name(), slow.orElse(0), fast.orElse(0)));
  }
}
