package dev.tritium.energy;

/**
 * What the host draws with nothing to do: set, or the lowest power that was measured over a second
 * in which the CPUs had next to nothing to do.
 */
final class IdlePower {
  private static final double SPAN_SECONDS = 1;
  private static final double QUIET_UTILISATION = 0.1;

  private final boolean learns;
  private double watts;
  private boolean learned;
  private double spanSeconds;
  private double spanJoules;
  private double spanBusySeconds;

  private IdlePower(double watts, boolean learns) {
    this.watts = watts;
    this.learns = learns;
  }

  /** Power that is known. */
  static IdlePower known(double watts) {
    return new IdlePower(watts, false);
  }

  /** Power that is taken for true until the first quiet second. */
  static IdlePower learned(double watts) {
    return new IdlePower(watts, true);
  }

  double watts() {
    return watts;
  }

  /** Takes note of what the host used, and how busy its CPUs were, from 0 to 1. */
  void observe(double joules, double seconds, double utilisation) {
    spanJoules += joules;
    spanSeconds += seconds;
    spanBusySeconds += utilisation * seconds;
    if (spanSeconds < SPAN_SECONDS) {
      return;
    }
    double power = spanJoules / spanSeconds;
    if (learns && spanBusySeconds / spanSeconds <= QUIET_UTILISATION) {
      watts = learned ? Math.min(watts, power) : power;
      learned = true;
    }
    forget();
  }

  /** Begins a new span: what was used is not known. */
  void forget() {
    spanJoules = 0;
    spanSeconds = 0;
    spanBusySeconds = 0;
  }
}
