package dev.tritium.engine;

/** Takes the numbers that leave the engine. Called on the engine's thread: it must be quick. */
@FunctionalInterface
public interface EngineListener {
  /** One step of the engine has ended. The report is reused: read it now or never. */
  void stepEnded(StepReport report);
}
