package dev.tritium.kernel;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Picks the fastest ternary kernel that this CPU and JVM run well. */
public final class KernelChooser {
  /** Let the machine decide. */
  public static final String AUTO = "auto";

  /**
   * A kernel, best first.
   *
   * @param slowest weights per second below which the JVM has not compiled its vectors; 0: no probe
   */
  private record Candidate(String name, double slowest, Function<Workers, TernaryKernels> make) {}

  private static final List<Candidate> CANDIDATES =
      List.of(
          new Candidate("t9", 4e9, workers -> load("T9Kernels", workers)),
          new Candidate("t2", 1e9, workers -> load("T2Kernels", workers)),
          new Candidate("scalar", 0, workers -> new ScalarKernels(new T2Format(), workers)));

  /**
   * A healthy kernel passes in about a second, most of it vector code not yet compiled; beside
   * other programs it needs a multiple: at load 6 on two CPUs 4 s were not enough. Only a kernel
   * that fails takes all of it.
   */
  private static final long PROBE_LIMIT_NANOS = 15_000_000_000L;

  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  private static final System.Logger log = System.getLogger(KernelChooser.class.getName());

  private static @Nullable Candidate best; // guarded by the class

  private KernelChooser() {}

  /** Finds out what {@code auto} is here, so that a later {@link #choose} need not. */
  public static void probe() {
    best();
  }

  /**
   * The kernel called {@code wanted}, or with {@code auto} the first of t9, t2 and scalar that is
   * supported and passes a short probe of its results and its speed, once in a JVM.
   *
   * @throws IllegalArgumentException if the name is unknown or this machine cannot run the kernel
   */
  public static TernaryKernels choose(String wanted, Workers workers) {
    TernaryKernels chosen =
        wanted.equals(AUTO) ? best().make.apply(workers) : named(wanted, workers);
    log.log(
        INFO,
        "ternary kernel {0}: {1}, {2} threads",
        chosen.name(),
        chosen.vectorBits() == 0 ? "no vectors" : chosen.vectorBits() + "-bit vectors",
        workers.size());
    return chosen;
  }

  private static TernaryKernels named(String wanted, Workers workers) {
    for (Candidate candidate : CANDIDATES) {
      if (candidate.name.equals(wanted)) {
        String obstacle = candidate.slowest > 0 ? missingModule() : null;
        if (obstacle != null) {
          throw new IllegalArgumentException("kernel " + wanted + " cannot run: " + obstacle);
        }
        TernaryKernels kernels = candidate.make.apply(workers);
        if (!kernels.supported()) {
          throw new IllegalArgumentException(
              "kernel %s cannot run: it needs %d-bit vectors, which this CPU or JVM does not offer"
                  .formatted(wanted, kernels.vectorBits()));
        }
        return kernels;
      }
    }
    throw new IllegalArgumentException(
        "unknown kernel '%s'; known are %s, %s"
            .formatted(
                wanted,
                AUTO,
                CANDIDATES.stream().map(Candidate::name).collect(Collectors.joining(", "))));
  }

  /** Where it is being found, a second caller waits. */
  private static synchronized Candidate best() {
    if (best == null) {
      best = find();
    }
    return best;
  }

  private static Candidate find() {
    String obstacle = missingModule();
    if (obstacle != null) {
      log.log(WARNING, "ternary products run in slow scalar code: {0}", obstacle);
    }
    // One thread: others would spin on the processors that the compiler needs.
    try (Workers alone = new Workers(1)) {
      for (Candidate candidate : CANDIDATES) {
        if (candidate.slowest == 0) {
          return candidate;
        }
        if (obstacle == null) {
          TernaryKernels kernels = candidate.make.apply(alone);
          if (kernels.supported() && passes(candidate, kernels)) {
            return candidate;
          }
        }
      }
    }
    throw new AssertionError("the last candidate runs everywhere");
  }

  private static boolean passes(Candidate candidate, TernaryKernels kernels) {
    String failure = new KernelProbe(kernels, PROBE_LIMIT_NANOS).failure(candidate.slowest);
    if (failure != null) {
      log.log(WARNING, "ternary kernel {0} is not used: {1}", candidate.name, failure);
    }
    return failure == null;
  }

  private static @Nullable String missingModule() {
    if (ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent()) {
      return null;
    }
    return "the Vector API is missing; start through ./tritium, or pass --add-modules "
        + VECTOR_MODULE
        + " to java";
  }

  /** The row operations that go with a ternary kernel: vectors beside vectors. */
  static RowKernels rowKernels(TernaryKernels ternary) {
    return ternary.vectorBits() == 0
        ? new ScalarRowKernels()
        : make("VectorRowKernels", RowKernels.class, new Class<?>[0]);
  }

  private static TernaryKernels load(String className, Workers workers) {
    return make(className, TernaryKernels.class, new Class<?>[] {Workers.class}, workers);
  }

  /** By name, because a JVM without the vector module cannot even link these classes. */
  private static <T> T make(
      String className, Class<T> type, Class<?>[] parameters, Object... arguments) {
    String name = KernelChooser.class.getPackageName() + ".vector." + className;
    try {
      return Class.forName(name).asSubclass(type).getConstructor(parameters).newInstance(arguments);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("kernel class " + name, e);
    }
  }
}
