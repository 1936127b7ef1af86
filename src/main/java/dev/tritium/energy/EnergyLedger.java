package dev.tritium.energy;

import dev.tritium.energy.EnergyMeter.Bounds;
import dev.tritium.energy.EnergyMeter.Reading;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Keeps account of the joules of the process, and hands those of its steps to the requests that had
 * rows in them (docs/energy.md).
 *
 * <p>Time is cut into windows. A step only adds to the shares of its requests. When a request has
 * ended, or the window is old enough, the meter is read and the window's joules are handed out:
 *
 * <pre>
 * idle power x time of the host's joules are idle, the rest is active
 * the process has of the idle ones its share of the CPUs, of the active ones that of the CPU time
 * the steps have of the process's active ones their share of its CPU time
 * a step's share of these is its share of the steps' time, and a request's that of the step's rows
 * </pre>
 *
 * What is not handed out stays unattributed: active = all requests + unattributed.
 *
 * @param <R> a request, which equals none but itself
 */
public final class EnergyLedger<R> {
  private static final long WINDOW_NANOS = 100_000_000;

  /** While no step ends, whoever asks for totals closes windows older than that. */
  private static final long QUIET_WINDOW_NANOS = 1_000_000_000;

  /** The host's CPU time is counted in ticks of 10 ms, and dear to read on a large one. */
  private static final long HOST_SAMPLE_NANOS = 250_000_000;

  /** Counters jump, so a window may lack idle joules that the next one has too many of. */
  private static final double OWED_IDLE_SECONDS = 0.1;

  /** A step that has ended. */
  public interface Step<R> {
    /** Wall-clock time in nanoseconds. */
    long nanos();

    /** CPU time of the process meanwhile, in nanoseconds. */
    long cpuNanos();

    /** Number of groups of rows; 0 for a step that failed. */
    int groups();

    /** The request that group {@code g} belongs to. */
    R request(int g);

    /** Rows of group {@code g}. */
    int rows(int g);

    /** Whether one of them is complete with this step, and its account is about to be read. */
    boolean ended();
  }

  /** Where requests' joules are written. Called by one thread at a time. */
  public interface Accounts<R> {
    void add(R request, double joules);

    /** A reading failed while the request ran: its sum is not all it used. */
    void incomplete(R request);
  }

  /**
   * Joules of the process so far; none of them ever falls.
   *
   * @param idle its share of what the host draws with nothing to do
   * @param active its share of the rest
   * @param unattributed those of the active ones that no request was given
   * @param low idle and active together with the lower watts of an estimate; 0 where it is measured
   * @param high the same with the higher
   */
  public record Totals(double idle, double active, double unattributed, double low, double high) {}

  private final EnergyMeter meter;
  private final CpuTimes cpu;
  private final LongSupplier clock;
  private final IdlePower idlePower;
  private final Optional<Bounds> bounds;
  private final Accounts<R> accounts;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile Totals totals = new Totals(0, 0, 0, 0, 0);

  // The window: since when, and what its steps took.
  private long startNanos;
  private long startCpuNanos; // of the process
  private long stepNanos;
  private long stepCpuNanos;
  private final List<R> requests = new ArrayList<>(); // a request may be there more than once
  private double[] shares = new double[64]; // of the steps' nanoseconds, for each of these
  private double owedIdleJoules;

  // Other processes, when they were last looked at.
  private long sampleNanos;
  private long sampleCpuNanos; // of this process
  private long sampleHostNanos;
  private double othersCpus; // CPUs that they keep busy

  /**
   * Begins to count.
   *
   * @param meter opened just now, on {@code clock}
   * @param clock nanoseconds since some moment
   */
  public EnergyLedger(
      EnergyMeter meter,
      EnergySettings settings,
      CpuTimes cpu,
      LongSupplier clock,
      Accounts<R> accounts) {
    this.meter = meter;
    this.cpu = cpu;
    this.clock = clock;
    this.accounts = accounts;
    this.bounds = meter.bounds();
    this.idlePower =
        meter.quality() == Quality.ESTIMATED || settings.idleWatts().isPresent()
            ? IdlePower.known(settings.watts().idle())
            : IdlePower.learned(settings.watts().idle());
    startNanos = clock.getAsLong();
    startCpuNanos = cpu.processNanos();
    sampleNanos = startNanos;
    sampleCpuNanos = startCpuNanos;
    sampleHostNanos = cpu.hostNanos();
  }

  /** What was handed out so far: up to the last window. */
  public Totals totals() {
    return totals;
  }

  /**
   * Takes note of a step. It reads nothing but the clock, and allocates nothing, but for windows.
   */
  public void stepEnded(Step<R> step) {
    lock.lock();
    try {
      add(step);
      long now = clock.getAsLong();
      if (step.ended() || now - startNanos >= WINDOW_NANOS) {
        close(now);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Closes the window if no step has done so for a while; for those who look at totals. */
  public void refresh() {
    if (lock.tryLock()) { // else they are being made just now
      try {
        long now = clock.getAsLong();
        if (now - startNanos >= QUIET_WINDOW_NANOS) {
          close(now);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  private void add(Step<R> step) {
    int rows = 0;
    for (int g = 0; g < step.groups(); g++) {
      rows += step.rows(g);
    }
    if (rows == 0) {
      return; // it failed
    }
    stepNanos += step.nanos();
    stepCpuNanos += step.cpuNanos();
    for (int g = 0; g < step.groups(); g++) {
      add(step.request(g), g, (double) step.nanos() * step.rows(g) / rows);
    }
  }

  /** Adds to a request's share; it often has the place that its group has in the step. */
  private void add(R request, int likely, double share) {
    int at = likely < requests.size() && requests.get(likely).equals(request) ? likely : 0;
    while (at < requests.size() && !requests.get(at).equals(request)) {
      at++;
    }
    if (at == requests.size()) {
      if (at == shares.length) {
        shares = Arrays.copyOf(shares, 2 * at);
      }
      requests.add(request);
      shares[at] = 0;
    }
    shares[at] += share;
  }

  /** Reads the meter and hands out what was used since the window began. */
  private void close(long now) {
    double nanos = Math.max(1, now - startNanos);
    double seconds = nanos / 1e9;
    long cpuNanos = cpu.processNanos();
    sampleHost(now, cpuNanos);
    double capacityNanos = nanos * cpu.hostCpus();
    double processNanos = Math.clamp((double) (cpuNanos - startCpuNanos), 0, capacityNanos);
    double busyNanos = Math.min(capacityNanos, processNanos + othersCpus * nanos);
    double utilisation = busyNanos / capacityNanos;

    Reading reading = meter.read(now, utilisation);
    if (reading.complete()) {
      idlePower.observe(reading.joules(), seconds, utilisation);
    } else {
      idlePower.forget();
    }
    owedIdleJoules += idlePower.watts() * seconds;
    double hostIdle = Math.min(reading.joules(), owedIdleJoules);
    owedIdleJoules = Math.min(owedIdleJoules - hostIdle, idlePower.watts() * OWED_IDLE_SECONDS);

    double cpusShare = Math.min(1, (double) cpu.processCpus() / cpu.hostCpus());
    double idle = hostIdle * cpusShare;
    double active = busyNanos == 0 ? 0 : (reading.joules() - hostIdle) * processNanos / busyNanos;
    double ofSteps = processNanos == 0 ? 0 : active * Math.min(1, stepCpuNanos / processNanos);
    double handedOut = handOut(ofSteps, reading.complete());
    Totals before = totals;
    totals =
        new Totals(
            before.idle + idle,
            before.active + active,
            before.unattributed + active - handedOut,
            before.low + bound(Bounds::low, seconds, cpusShare, processNanos),
            before.high + bound(Bounds::high, seconds, cpusShare, processNanos));
    startNanos = now;
    startCpuNanos = cpuNanos;
    stepNanos = 0;
    stepCpuNanos = 0;
  }

  /** Looks now and then how busy others keep the host. */
  private void sampleHost(long now, long cpuNanos) {
    long nanos = now - sampleNanos;
    if (nanos < HOST_SAMPLE_NANOS) {
      return;
    }
    long hostNanos = cpu.hostNanos();
    double others = (double) (hostNanos - sampleHostNanos) - (cpuNanos - sampleCpuNanos);
    othersCpus = Math.max(0, others / nanos);
    sampleNanos = now;
    sampleCpuNanos = cpuNanos;
    sampleHostNanos = hostNanos;
  }

  /** Hands joules to the window's requests by their shares; returns how many. */
  private double handOut(double joules, boolean complete) {
    double handedOut = stepNanos == 0 ? 0 : joules;
    for (int i = 0; i < requests.size(); i++) {
      accounts.add(requests.get(i), stepNanos == 0 ? 0 : joules * shares[i] / stepNanos);
      if (!complete) {
        accounts.incomplete(requests.get(i));
      }
    }
    requests.clear();
    return handedOut;
  }

  /** What the process used by one of the bounds of an estimate. */
  private double bound(
      Function<Bounds, Watts> bound, double seconds, double cpusShare, double processNanos) {
    if (bounds.isEmpty()) {
      return 0;
    }
    Watts watts = bound.apply(bounds.get());
    double busySeconds = processNanos / 1e9 / cpu.hostCpus(); // of the whole host
    return watts.idle() * seconds * cpusShare + (watts.max() - watts.idle()) * busySeconds;
  }
}
