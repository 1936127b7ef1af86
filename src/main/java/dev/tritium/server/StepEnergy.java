package dev.tritium.server;

import dev.tritium.energy.EnergyLedger;
import dev.tritium.engine.EngineListener;
import dev.tritium.engine.RequestAccount;
import dev.tritium.engine.StepReport;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Lets the engine's requests pay for its steps. */
public final class StepEnergy implements EngineListener {
  /** Where the joules of requests go; NaN sticks to a sum, which is then not known. */
  public static final EnergyLedger.Accounts<RequestAccount> ACCOUNTS =
      new EnergyLedger.Accounts<>() {
        @Override
        public void add(RequestAccount request, double joules) {
          request.addJoules(joules);
        }

        @Override
        public void incomplete(RequestAccount request) {
          request.addJoules(Double.NaN);
        }
      };

  private final EnergyLedger<RequestAccount> ledger;
  private final ReportedStep step = new ReportedStep();

  public StepEnergy(EnergyLedger<RequestAccount> ledger) {
    this.ledger = ledger;
  }

  @Override
  public void stepEnded(StepReport report) {
    step.report = report;
    ledger.stepEnded(step);
  }

  /** The step of a report. */
  private static final class ReportedStep implements EnergyLedger.Step<RequestAccount> {
    private @Nullable StepReport report;

    private StepReport report() {
      return Objects.requireNonNull(report);
    }

    @Override
    public long nanos() {
      return report().nanos();
    }

    @Override
    public long cpuNanos() {
      return report().cpuNanos();
    }

    @Override
    public int groups() {
      return report().groups();
    }

    @Override
    public RequestAccount request(int g) {
      return report().account(g);
    }

    @Override
    public int rows(int g) {
      return report().rows(g);
    }

    @Override
    public boolean ended() {
      return report().ended() > 0;
    }
  }
}
