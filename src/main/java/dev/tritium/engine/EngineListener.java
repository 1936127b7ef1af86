package dev.tritium.engine;

/** Takes the numbers that leave the engine. Called on the engine's thread: it must be quick. */
@FunctionalInterface
public interface EngineListener {
  /** One step of the engine has ended. The report is reused: read it now or never. */
  void stepEnded(StepReport report);

  /** A listener that tells this one, and then another. */
  default EngineListener andThen(EngineListener next) {
    return report -> {
      stepEnded(report);
      next.stepEnded(report);
    };
  }
}
