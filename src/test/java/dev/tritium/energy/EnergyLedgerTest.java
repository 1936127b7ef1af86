package dev.tritium.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.tritium.energy.EnergyLedger.Totals;
import dev.tritium.energy.EnergySettings.Given;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** Who pays for what, with time, CPUs and meter moved by hand. */
class EnergyLedgerTest {
  private static final long MILLI = 1_000_000; // nanoseconds
  private static final double EXACT = 1e-9;

  private final Machine machine = new Machine();
  private final Map<String, Double> joules = new LinkedHashMap<>(); // by request

  /** A host with a meter. */
  private static final class Machine implements CpuTimes, EnergyMeter {
    long nanos;
    long processNanos;
    long hostNanos;
    int hostCpus = 2;
    int processCpus = 2;
    double joules; // since the last reading
    boolean readable = true;
    Quality quality = Quality.MEASURED;
    int readings;
    int looksAtHost;
    double utilisation;

    /** Time passes with so many CPUs kept busy by this process and by others, at this power. */
    void run(long millis, double ownCpus, double othersCpus, double watts) {
      nanos += millis * MILLI;
      processNanos += (long) (millis * MILLI * ownCpus);
      hostNanos += (long) (millis * MILLI * (ownCpus + othersCpus));
      joules += watts * millis / 1e3;
    }

    @Override
    public long processNanos() {
      return processNanos;
    }

    @Override
    public long hostNanos() {
      looksAtHost++;
      return hostNanos;
    }

    @Override
    public int hostCpus() {
      return hostCpus;
    }

    @Override
    public int processCpus() {
      return processCpus;
    }

    @Override
    public String source() {
      return "hand";
    }

    @Override
    public Quality quality() {
      return quality;
    }

    @Override
    public List<EnergyZone> zones() {
      return List.of();
    }

    @Override
    public Reading read(long now, double used) {
      readings++;
      utilisation = used;
      Reading reading = new Reading(joules, readable);
      joules = 0;
      return reading;
    }

    @Override
    public Optional<Bounds> bounds() {
      return quality == Quality.MEASURED
          ? Optional.empty()
          : Optional.of(new Bounds(new Watts(2, 10), new Watts(8, 40)));
    }
  }

  /** A step with one group for each of these requests. */
  private record HandStep(long nanos, long cpuNanos, boolean ended, List<String> names, int... rows)
      implements EnergyLedger.Step<String> {
    @Override
    public int groups() {
      return names.size();
    }

    @Override
    public String request(int g) {
      return names.get(g);
    }

    @Override
    public int rows(int g) {
      return rows[g];
    }
  }

  private EnergyLedger<String> ledger(double idleWatts) {
    Given watts = new Given(OptionalDouble.of(idleWatts), OptionalDouble.of(idleWatts + 20));
    return ledger(watts);
  }

  private EnergyLedger<String> ledger(Given watts) {
    Path nowhere = Path.of("no/such/folder");
    return new EnergyLedger<>(
        machine,
        EnergySettings.of("auto", nowhere, nowhere, watts, Given.NOTHING, Given.NOTHING, 2),
        machine,
        () -> machine.nanos,
        new EnergyLedger.Accounts<>() {
          @Override
          public void add(String request, double more) {
            joules.merge(request, more, Double::sum);
          }

          @Override
          public void incomplete(String request) {
            joules.put(request, Double.NaN);
          }
        });
  }

  /** A step that keeps both CPUs busy for so long, while the host draws so many watts. */
  private HandStep step(long millis, double watts, boolean ended, List<String> names, int... rows) {
    machine.run(millis, 2, 0, watts);
    return new HandStep(millis * MILLI, 2 * millis * MILLI, ended, names, rows);
  }

  private double joulesOf(String request) {
    return joules.getOrDefault(request, 0.0);
  }

  private double paid() {
    return joules.values().stream().mapToDouble(Double::doubleValue).sum();
  }

  @Test
  void whatTheIdleHostDrawsIsNobodysAndTheRestIsTheRequests() {
    EnergyLedger<String> ledger = ledger(4);
    ledger.stepEnded(step(10, 30, true, List.of("a"), 1));
    assertEquals(Map.of("a", 26 * 0.010), joules);
    Totals totals = ledger.totals();
    assertEquals(4 * 0.010, totals.idle(), EXACT);
    assertEquals(26 * 0.010, totals.active(), EXACT);
    assertEquals(0, totals.unattributed(), EXACT);
    assertEquals(0, totals.low());
    assertEquals(1, machine.utilisation);
  }

  @Test
  void aStepIsSharedByItsRowsAndAWindowByItsStepsTimes() {
    EnergyLedger<String> ledger = ledger(0);
    ledger.stepEnded(step(30, 10, false, List.of("prompt", "answer"), 5, 1));
    ledger.stepEnded(step(10, 10, true, List.of("answer"), 1));
    // 0.4 J in 40 ms: 30 ms by six rows, 10 ms by one
    assertEquals(0.4 * 25 / 40, joulesOf("prompt"), EXACT);
    assertEquals(0.4 * 15 / 40, joulesOf("answer"), EXACT);
  }

  @Test
  void aRequestWithSeveralAnswersPaysForAllOfThem() {
    EnergyLedger<String> ledger = ledger(0);
    ledger.stepEnded(step(10, 10, false, List.of("n", "other", "n"), 1, 1, 1));
    ledger.stepEnded(step(10, 10, true, List.of("other", "n", "n"), 1, 1, 1));
    assertEquals(0.2 * 2 / 3, joulesOf("n"), EXACT);
    assertEquals(0.2 / 3, joulesOf("other"), EXACT);
  }

  @Test
  void nothingIsReadUntilARequestHasEndedOrTheWindowIsOld() {
    EnergyLedger<String> ledger = ledger(0);
    for (int i = 0; i < 9; i++) {
      ledger.stepEnded(step(11, 10, false, List.of("a"), 1));
    }
    assertEquals(0, machine.readings);
    assertEquals(Map.of(), joules);
    ledger.stepEnded(step(11, 10, false, List.of("a"), 1));
    assertEquals(1, machine.readings);
    assertEquals(1.1, joulesOf("a"), EXACT);
    ledger.stepEnded(step(1, 10, true, List.of("a"), 1));
    assertEquals(2, machine.readings);
    assertEquals(1.11, joulesOf("a"), EXACT);
    assertEquals(1, machine.looksAtHost, "the host's CPUs only at the beginning so far");
  }

  @Test
  void aStepAllocatesNothing() {
    EnergyLedger<String> ledger = ledger(0);
    List<String> names = List.of("a", "b", "c");
    HandStep step = step(0, 0, false, names, 1, 1, 1);
    ledger.stepEnded(step);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    for (int round = 0; round < 20; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 1_000; i++) {
        ledger.stepEnded(step);
      }
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertEquals(0, least);
    assertEquals(0, machine.readings);
  }

  @Test
  void otherProcessesPayForTheirCpuTime() {
    EnergyLedger<String> ledger = ledger(0);
    machine.run(300, 0.5, 1.5, 20);
    ledger.stepEnded(new HandStep(0, 0, true, List.of()));
    assertEquals(6 * 0.25, ledger.totals().active(), EXACT, "a quarter of the busy time");
    machine.run(10, 0.5, 0, 20); // too short to see that they have stopped
    ledger.stepEnded(new HandStep(10 * MILLI, 5 * MILLI, true, List.of("a"), 1));
    assertEquals(0.2 * 0.25, joulesOf("a"), EXACT);
    machine.run(300, 0.5, 0, 20);
    ledger.stepEnded(new HandStep(300 * MILLI, 150 * MILLI, true, List.of("b"), 1));
    assertEquals(6, joulesOf("b"), EXACT, "they have stopped");
  }

  @Test
  void cpuTimeOutsideOfStepsIsUnattributed() {
    EnergyLedger<String> ledger = ledger(0);
    machine.run(20, 1, 0, 10); // HTTP, JSON
    ledger.stepEnded(step(10, 10, true, List.of("a"), 1));
    assertEquals(0.3 / 2, joulesOf("a"), EXACT, "20 of 40 ms of CPU time");
    assertEquals(0.3 / 2, ledger.totals().unattributed(), EXACT);
  }

  @Test
  void aStepAfterALongPauseDoesNotPayForThePause() {
    EnergyLedger<String> ledger = ledger(4);
    machine.run(60_000, 0, 0, 4);
    ledger.stepEnded(step(10, 30, true, List.of("a"), 1));
    assertEquals(26 * 0.010, joulesOf("a"), EXACT);
    assertEquals(4 * 60.010, ledger.totals().idle(), EXACT);
  }

  @Test
  void theIdlePowerIsSharedByCpus() {
    machine.hostCpus = 8;
    EnergyLedger<String> ledger = ledger(40);
    machine.run(1_000, 0, 0, 40);
    ledger.refresh();
    assertEquals(10, ledger.totals().idle(), EXACT, "2 of 8 CPUs");
    assertEquals(0, ledger.totals().active());
  }

  @Test
  void theLowestPowerOfAQuietSecondIsTheIdlePower() {
    EnergyLedger<String> ledger = ledger(Given.NOTHING);
    double published = 2 * 0.74;
    ledger.stepEnded(step(2_000, 50, true, List.of("a"), 1));
    assertEquals(2 * (50 - published), joulesOf("a"), EXACT, "busy seconds teach nothing");
    machine.run(1_000, 0, 0, 6);
    ledger.refresh();
    machine.run(1_000, 0, 0, 5);
    ledger.refresh();
    machine.run(1_000, 0, 0, 7);
    ledger.refresh();
    ledger.stepEnded(step(100, 55, true, List.of("b"), 1));
    assertEquals(0.1 * (55 - 5), joulesOf("b"), EXACT);
  }

  @Test
  void aCounterThatJumpsLosesNoIdleJoules() {
    EnergyLedger<String> ledger = ledger(4);
    for (int i = 0; i < 100; i++) { // it moves every second time
      ledger.stepEnded(step(1, i % 2 == 0 ? 0 : 60, true, List.of("a"), 1));
    }
    assertEquals(4 * 0.100, ledger.totals().idle(), EXACT);
    assertEquals(26 * 0.100, joulesOf("a"), EXACT);
  }

  @Test
  void aFailedReadingMakesItsRequestsJoulesUnknownAndNoOthers() {
    EnergyLedger<String> ledger = ledger(0);
    ledger.stepEnded(step(10, 10, true, List.of("before"), 1));
    machine.readable = false;
    ledger.stepEnded(step(10, 0, true, List.of("meanwhile"), 1));
    machine.readable = true;
    ledger.stepEnded(step(10, 10, true, List.of("after"), 1));
    assertEquals(0.1, joulesOf("before"), EXACT);
    assertTrue(Double.isNaN(joulesOf("meanwhile")));
    assertEquals(0.1, joulesOf("after"), EXACT);
    assertEquals(0.2, ledger.totals().active(), EXACT);
  }

  @Test
  void aStepThatFailedIsUnattributed() {
    EnergyLedger<String> ledger = ledger(0);
    machine.run(200, 2, 0, 10);
    ledger.stepEnded(new HandStep(200 * MILLI, 400 * MILLI, false, List.of()));
    assertEquals(2, ledger.totals().active(), EXACT);
    assertEquals(2, ledger.totals().unattributed(), EXACT);
  }

  @Test
  void anEstimateHasBounds() {
    machine.quality = Quality.ESTIMATED;
    EnergyLedger<String> ledger = ledger(4);
    machine.run(1_000, 1, 0, 14);
    ledger.refresh();
    Totals totals = ledger.totals();
    assertEquals(4, totals.idle(), EXACT);
    assertEquals(10, totals.active(), EXACT);
    assertEquals(2 + 8 / 2.0, totals.low(), EXACT, "one of two CPUs was busy");
    assertEquals(8 + 32 / 2.0, totals.high(), EXACT);
  }

  @Test
  void whoLooksAtTotalsClosesNoWindowThatStepsAreAboutToClose() {
    EnergyLedger<String> ledger = ledger(0);
    ledger.stepEnded(step(50, 10, false, List.of("a"), 1));
    ledger.refresh();
    assertEquals(0, machine.readings);
    machine.run(1_000, 0, 0, 0); // its client has left, and no step ends any more
    ledger.refresh();
    assertEquals(0.5, joulesOf("a"), EXACT);
    assertEquals(paid() + ledger.totals().unattributed(), ledger.totals().active(), EXACT);
  }
}
