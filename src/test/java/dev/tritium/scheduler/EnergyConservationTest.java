package dev.tritium.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.energy.CpuTimes;
import dev.tritium.energy.EnergyLedger;
import dev.tritium.energy.EnergyLedger.Totals;
import dev.tritium.energy.EnergyMeter;
import dev.tritium.energy.EnergySettings;
import dev.tritium.energy.EnergySettings.Given;
import dev.tritium.energy.EnergyZone;
import dev.tritium.energy.Quality;
import dev.tritium.engine.Logprobs;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.server.StepEnergy;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Seeded;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** All joules of the process are some request's, or are known to be nobody's. */
class EnergyConservationTest extends ByHand {
  private static final int REQUESTS = 500;
  private static final double CPU_WATTS = 26;
  private static final double IDLE_WATTS = 4;

  private Host host = new Host(new SplittableRandom(1));

  /** It draws more for each CPU that is busy, also with others' work; how much more may jump. */
  private final class Host implements CpuTimes, EnergyMeter {
    private final SplittableRandom random;
    private double spread; // of the power of a busy CPU, as a share of it
    private double othersCpus;
    private long ownNanos; // outside of steps
    private long lastNanos = 1;
    private long lastBusyNanos;
    private double joules;

    Host(SplittableRandom random) {
      this.random = random;
    }

    @Override
    public long processNanos() {
      return clock.cpuNanos() + ownNanos;
    }

    @Override
    public long hostNanos() {
      return processNanos() + (long) (clock.nanos() * othersCpus);
    }

    @Override
    public int hostCpus() {
      return 2;
    }

    @Override
    public int processCpus() {
      return 2;
    }

    @Override
    public String source() {
      return "hand";
    }

    @Override
    public Quality quality() {
      return Quality.MEASURED;
    }

    @Override
    public List<EnergyZone> zones() {
      return List.of();
    }

    @Override
    public Reading read(long nanos, double utilisation) {
      long busy = hostNanos();
      double perCpu = CPU_WATTS * (1 + spread * (2 * random.nextDouble() - 1));
      double used = IDLE_WATTS * (nanos - lastNanos) / 1e9 + perCpu * (busy - lastBusyNanos) / 1e9;
      lastNanos = nanos;
      lastBusyNanos = busy;
      joules += used;
      return new Reading(used, true);
    }
  }

  @BeforeEach
  void timePassesWithRows() {
    clock.nanosPerCall = 100_000;
    clock.nanosPerRow = 200_000;
  }

  private EnergyLedger<RequestAccount> ledger() {
    Given watts = new Given(OptionalDouble.of(IDLE_WATTS), OptionalDouble.of(60));
    Path nowhere = Path.of("no/such/folder");
    EnergySettings settings =
        EnergySettings.of("auto", nowhere, nowhere, watts, Given.NOTHING, Given.NOTHING, 2);
    return new EnergyLedger<>(host, settings, host, clock::nanos, StepEnergy.ACCOUNTS);
  }

  private Scheduler scheduler(EnergyLedger<RequestAccount> ledger, SchedulerLimits limits) {
    return new Scheduler(
        model, tokenizer, new ScalarRowKernels(), limits, new StepEnergy(ledger), clock);
  }

  /** Lets the last window be closed. */
  private Totals settle(EnergyLedger<RequestAccount> ledger) {
    clock.pass(Duration.ofSeconds(2));
    ledger.refresh();
    return ledger.totals();
  }

  @Test
  void whatRequestsPayAndWhatNobodyPaysIsWhatTheProcessUsed() {
    Seeded.check(2, this::play);
  }

  private void play(SplittableRandom random) {
    model = FakeModel.random();
    clock.now = 1;
    host = new Host(random);
    host.spread = 0.9;
    host.othersCpus = random.nextInt(2) * 0.7;
    EnergyLedger<RequestAccount> ledger = ledger();
    Scheduler scheduler = scheduler(ledger, Schedulers.limits(16, REQUESTS, 64, PLENTY, 16));
    List<Generation> generations = new ArrayList<>();
    List<Integer> leaveAfter = new ArrayList<>(); // steps
    boolean ran = true;
    while (generations.size() < REQUESTS || ran) {
      for (int come = random.nextInt(3); come > 0 && generations.size() < REQUESTS; come--) {
        generations.add(scheduler.submit(List.of(request(random))));
        leaveAfter.add(random.nextInt(5) == 0 ? random.nextInt(12) : Integer.MAX_VALUE);
      }
      for (int g = 0; g < generations.size(); g++) {
        if (leaveAfter.get(g) == 0) {
          generations.get(g).cancel();
        }
        leaveAfter.set(g, leaveAfter.get(g) - 1);
      }
      ran = scheduler.step();
      host.ownNanos += random.nextInt(100_000);
      clock.pass(Duration.ofNanos(random.nextInt(50_000)));
      if (random.nextInt(50) == 0) {
        clock.pass(Duration.ofMillis(random.nextInt(3_000)));
        ledger.refresh(); // somebody scrapes
      }
    }
    Totals totals = settle(ledger);

    List<RequestAccount> accounts = generations.stream().map(Generation::account).toList();
    double paid = accounts.stream().mapToDouble(RequestAccount::joules).sum();
    assertEquals(totals.active(), paid + totals.unattributed(), 1e-9 * totals.active());
    assertTrue(paid > totals.active() / 2, () -> paid + " of " + totals);
    assertTrue(totals.unattributed() > 0, totals::toString);
    if (host.othersCpus == 0) {
      assertEquals(host.joules, totals.idle() + totals.active(), 1e-9 * host.joules);
    } else {
      assertTrue(totals.idle() + totals.active() < 0.95 * host.joules, totals::toString);
    }
    for (RequestAccount account : accounts) {
      assertEquals(account.computeNanos() > 0, account.joules() > 0);
    }
    long cancelled = IntStream.range(0, REQUESTS).filter(g -> leaveAfter.get(g) < 0).count();
    assertTrue(cancelled > 50, cancelled + " left");
    assertTrue(accounts.stream().mapToInt(RequestAccount::cachedTokens).sum() > 1_000);
  }

  /** Most begin as others do. */
  private static SequenceRequest request(SplittableRandom random) {
    int[] prompt =
        join(
            prompt(random.nextInt(5), random.nextInt(1, 40)),
            prompt(100 + random.nextInt(20), random.nextInt(1, 40)));
    int answers = random.nextInt(4) == 0 ? random.nextInt(2, 4) : 1;
    return request(prompt, answers, random.nextInt(1, 12), "", Logprobs.NONE);
  }

  @Test
  void cachedTokensCostNothing() {
    EnergyLedger<RequestAccount> ledger = ledger();
    Scheduler scheduler = scheduler(ledger, Schedulers.limits(4, 10, 1_000, PLENTY, 512));
    int[] prompt = prompt(1, 200);
    RequestAccount first = run(scheduler, prompt, 1).account();
    RequestAccount again = run(scheduler, prompt, 1).account();
    assertEquals(200, first.prefilledTokens());
    assertEquals(1, again.prefilledTokens());
    assertEquals(199, again.cachedTokens());
    assertEquals(CPU_WATTS * (100_000 + 200 * 200_000) / 1e9, first.joules(), 1e-9);
    assertEquals(CPU_WATTS * (100_000 + 200_000) / 1e9, again.joules(), 1e-9);
  }

  @Test
  void aCancelledRequestPaysForTheRowsThatWereRunForIt() {
    EnergyLedger<RequestAccount> ledger = ledger();
    Scheduler scheduler = scheduler(ledger, Schedulers.limits(4, 10, 50, PLENTY, 512));
    Generation generation = submit(scheduler, prompt(1, 200), 10);
    step(scheduler, 2);
    generation.cancel();
    runAll(scheduler);
    settle(ledger);
    RequestAccount account = generation.account();
    assertEquals(100, account.prefilledTokens());
    assertEquals(CPU_WATTS * 2 * (100_000 + 50 * 200_000) / 1e9, account.joules(), 1e-9);
  }

  @Test
  void aRequestThatNeverRanPaysNothing() {
    EnergyLedger<RequestAccount> ledger = ledger();
    Scheduler scheduler = scheduler(ledger, Schedulers.limits(1, 10, 50, PLENTY, 512));
    Generation running = submit(scheduler, prompt(1, 20), 10);
    Generation waiting = submit(scheduler, prompt(2, 20), 10);
    step(scheduler, 3);
    waiting.cancel();
    runAll(scheduler);
    assertTrue(running.account().joules() > 0);
    assertEquals(0, waiting.account().joules());
  }

  @Test
  void theAccountIsCompleteWithTheLastEvent() {
    EnergyLedger<RequestAccount> ledger = ledger();
    Scheduler scheduler = scheduler(ledger, Schedulers.limits(4, 10, 50, PLENTY, 512));
    Generation generation = submit(scheduler, prompt(1, 20), 3);
    double[] atLastEvent = {-1};
    generation.onDone(Runnable::run, () -> atLastEvent[0] = generation.account().joules());
    runAll(scheduler);
    assertTrue(atLastEvent[0] > 0);
    settle(ledger);
    assertEquals(atLastEvent[0], generation.account().joules());
  }
}
