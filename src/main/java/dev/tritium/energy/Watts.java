package dev.tritium.energy;

/**
 * What a host draws, all of its CPUs together.
 *
 * @param idle with nothing to do
 * @param max with every CPU busy
 */
public record Watts(double idle, double max) {
  // Per logical CPU, as Cloud Carbon Footprint computes them from SPECpower_ssj2008
  // (docs/energy.md).
  private static final Watts MEAN = new Watts(0.74, 3.5);
  private static final Watts LOWEST =
      new Watts(0.45, 1.69); // AMD EPYC, third and second generation
  private static final Watts HIGHEST = new Watts(1.14, 5.42); // Intel Coffee Lake

  /** A server of unknown make. */
  static Watts typical(int cpus) {
    return MEAN.times(cpus);
  }

  /** The thriftiest servers in the data. */
  static Watts lowest(int cpus) {
    return LOWEST.times(cpus);
  }

  /** The hungriest server in the data whose CPU is no older than AVX2. */
  static Watts highest(int cpus) {
    return HIGHEST.times(cpus);
  }

  private Watts times(int cpus) {
    return new Watts(idle * cpus, max * cpus);
  }

  /**
   * Energy by the model {@code idle + utilisation x (max - idle)}.
   *
   * @param utilisation from 0 to 1
   */
  double joules(double seconds, double utilisation) {
    return (idle + utilisation * (max - idle)) * seconds;
  }
}
