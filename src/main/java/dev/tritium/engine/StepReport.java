package dev.tritium.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What one step ran. The object is reused from step to step. */
public final class StepReport {
  private long nanos;
  private final List<RequestAccount> accounts = new ArrayList<>();
  private int[] prefillRows = new int[16];
  private boolean[] drew = new boolean[16];

  /** Wall-clock time of the step in nanoseconds. */
  public long nanos() {
    return nanos;
  }

  /** Number of sequences that had rows in the step. */
  public int groups() {
    return accounts.size();
  }

  /** The account of the request that group {@code g} belongs to. */
  public RequestAccount account(int g) {
    return accounts.get(g);
  }

  /** Prompt tokens that group {@code g} ran; 0 for a decode step. */
  public int prefillRows(int g) {
    return prefillRows[g];
  }

  /** Whether group {@code g} drew a token. */
  public boolean drewToken(int g) {
    return drew[g];
  }

  /** Forgets the last step. */
  public void clear() {
    accounts.clear();
  }

  /** Adds a group. */
  public void add(RequestAccount account, int prefillRows, boolean drewToken) {
    int g = accounts.size();
    if (g == drew.length) {
      this.prefillRows = Arrays.copyOf(this.prefillRows, 2 * g);
      this.drew = Arrays.copyOf(drew, 2 * g);
    }
    accounts.add(account);
    this.prefillRows[g] = prefillRows;
    this.drew[g] = drewToken;
  }

  public void setNanos(long nanos) {
    this.nanos = nanos;
  }
}
