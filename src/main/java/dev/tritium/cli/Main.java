package dev.tritium.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The command line: {@code tritium serve | generate | bench | inspect | pull | list | verify | rm |
 * prune | health}.
 */
@Command(
    name = "tritium",
    description = "Serves ternary language models.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
      ServeCommand.class,
      GenerateCommand.class,
      BenchCommand.class,
      InspectCommand.class,
      PullCommand.class,
      ListCommand.class,
      VerifyCommand.class,
      RemoveCommand.class,
      PruneCommand.class,
      HealthCommand.class
    },
    footer = {
      "",
      "./tritium test runs the test suite.",
      "Every option is also a property (-Dtritium.model=...) and a variable (TRITIUM_MODEL=...)."
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  /** Runs a command and ends the process with its exit status. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setExpandAtFiles(false) // a prompt may begin with @
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setDefaultValueProvider(new Settings())
        .setExecutionExceptionHandler(new Failures());
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is needed");
  }
}
