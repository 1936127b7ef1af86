package dev.tritium.kernel;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Picks the fastest ternary kernel that this CPU and JVM run well. */
public final class KernelChooser {
  /** Let the machine decide. */
  public static final String AUTO = "auto";

  /** Where the name of the best kernel outlives the JVM. */
  public interface Memory {
    /** For those that probe each time. */
    Memory NONE =
        new Memory() {
          @Override
          public @Nullable String recall() {
            return null;
          }

          @Override
          public void keep(String kernel) {}
        };

    /** The kernel that an earlier JVM of the same kind found the best, or null if unknown. */
    @Nullable String recall();

    /** Keeps the kernel that was found the best; failing to only costs time later. */
    void keep(String kernel);
  }

  /** A candidate, and whether an earlier JVM found it the best. */
  record Choice(Candidate candidate, boolean remembered) {}

  /**
   * A kernel, best first.
   *
   * @param slowest weights per second below which the JVM has not compiled its vectors; 0: no probe
   */
  record Candidate(String name, double slowest, Function<Workers, TernaryKernels> make) {}

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

  private static @Nullable Choice best; // guarded by the class

  private KernelChooser() {}

  /**
   * Finds out what {@code auto} is here, so that a later {@link #choose} need not: the memory's
   * kernel where it is the first that is supported, else by a probe.
   */
  public static void find(Memory memory) {
    best(memory);
  }

  /**
   * The kernel called {@code wanted}, or with {@code auto} the first of t9, t2 and scalar that is
   * supported and passes a short probe of its results and its speed, once in a JVM.
   *
   * @throws IllegalArgumentException if the name is unknown or this machine cannot run the kernel
   */
  public static TernaryKernels choose(String wanted, Workers workers) {
    Choice best = wanted.equals(AUTO) ? best(Memory.NONE) : null;
    TernaryKernels chosen =
        best == null ? named(wanted, workers) : best.candidate.make.apply(workers);
    log.log(
        INFO,
        "ternary kernel {0}: {1}, {2} threads{3}",
        chosen.name(),
        chosen.vectorBits() == 0 ? "no vectors" : chosen.vectorBits() + "-bit vectors",
        workers.size(),
        best != null && best.remembered ? ", remembered from an earlier start" : "");
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
  private static synchronized Choice best(Memory memory) {
    if (best == null) {
      best = find(memory, KernelChooser::passes);
    }
    return best;
  }

  static Choice find(Memory memory, BiPredicate<Candidate, TernaryKernels> probe) {
    String obstacle = missingModule();
    if (obstacle != null) {
      log.log(WARNING, "ternary products run in slow scalar code: {0}", obstacle);
      return new Choice(CANDIDATES.getLast(), false);
    }
    String remembered = memory.recall();
    boolean isFirst = true;
    // One thread: others would spin on the processors that the compiler needs.
    try (Workers alone = new Workers(1)) {
      for (Candidate candidate : CANDIDATES) {
        TernaryKernels kernels = candidate.make.apply(alone);
        if (!kernels.supported()) {
          continue;
        }
        if (isFirst && candidate.name.equals(remembered)) {
          return new Choice(candidate, true);
        }
        if (candidate.slowest == 0 || probe.test(candidate, kernels)) {
          if (isFirst) { // what comes after a failure is not kept: the machine may only be busy
            memory.keep(candidate.name);
          }
          return new Choice(candidate, false);
        }
        isFirst = false;
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
