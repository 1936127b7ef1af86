package dev.tritium.loadtests;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** A run of a scenario: its settings, what its clients saw, and the rules that were broken. */
final class Run {
  private static @Nullable Run current;

  final Scenario scenario;
  final Settings settings;
  final Target target;
  final Traffic traffic;
  final @Nullable StoppableServer server;

  private final List<Phase> phases = new ArrayList<>();
  private final List<String> broken = new ArrayList<>();

  /** What a scenario is run with. */
  record Settings(
      Duration duration,
      double perSecond,
      int clients,
      int firstMillis,
      int gapMillis,
      long seed,
      int answerTokens) {}

  Run(
      Scenario scenario,
      Settings settings,
      Target target,
      Traffic traffic,
      @Nullable StoppableServer server) {
    this.scenario = scenario;
    this.settings = settings;
    this.target = target;
    this.traffic = traffic;
    this.server = server;
  }

  /** The one that Gatling makes a simulation for; it hands nothing to its constructor. */
  static Run current() {
    if (current == null) {
      throw new IllegalStateException("start it with loadtests/run");
    }
    return current;
  }

  static void setCurrent(Run run) {
    current = run;
  }

  Phase phase(String name) {
    Phase phase = new Phase(name);
    phases.add(phase);
    return phase;
  }

  List<Phase> phases() {
    return phases;
  }

  void require(boolean holds, String otherwise) {
    if (!holds) {
      broken.add(otherwise);
    }
  }

  List<String> broken() {
    return broken;
  }

  /** What holds in every scenario. */
  void judge() {
    for (Phase phase : phases) {
      String where = phase.name().isEmpty() ? "" : phase.name() + ": ";
      phase.problems().forEach((problem, times) -> require(false, where + times + " x " + problem));
      require(
          phase.open() == 0,
          where + phase.open() + " requests have neither an answer nor an error");
      bound(where + "time to the first token", phase.firstMillis(99), settings.firstMillis);
      bound(where + "gap between tokens", phase.gapMillis(99), settings.gapMillis);
    }
  }

  private void bound(String what, OptionalDouble millis, int most) {
    require(
        most == 0 || millis.isEmpty() || millis.getAsDouble() <= most,
        "%s: the 99th percentile is %.0f ms, above %d".formatted(what, millis.orElse(0), most));
  }
}
