package dev.tritium.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What one step ran. The object is reused from step to step. */
public final class StepReport {
  private long nanos;
  private long cpuNanos;
  private int ended;
  private int abandonedRows;
  private int begunPromptTokens;
  private int begunCachedTokens;
  private final List<RequestAccount> accounts = new ArrayList<>();
  private int[] prefillRows = new int[16];
  private int[] drawn = new int[16];

  /** Wall-clock time of the step in nanoseconds. */
  public long nanos() {
    return nanos;
  }

  /** CPU time of the whole process during the step, in nanoseconds. */
  public long cpuNanos() {
    return cpuNanos;
  }

  /** Number of sequences that had rows in the step. */
  public int groups() {
    return accounts.size();
  }

  /** The account of the request that group {@code g} belongs to. */
  public RequestAccount account(int g) {
    return accounts.get(g);
  }

  /** Prompt tokens that group {@code g} ran; 0 for a decode step, which is one row. */
  public int prefillRows(int g) {
    return prefillRows[g];
  }

  /** All rows of group {@code g}. */
  public int rows(int g) {
    return Math.max(1, prefillRows[g]);
  }

  /** Tokens that were drawn from group {@code g}: more than one where a prompt forked. */
  public int drawn(int g) {
    return drawn[g];
  }

  /** Sequences that ended with the step. */
  public int ended() {
    return ended;
  }

  /** Rows of sequences whose client left during the step. */
  public int abandonedRows() {
    return abandonedRows;
  }

  /** Tokens of the prompts that began with this step and may use the prefix cache. */
  public int begunPromptTokens() {
    return begunPromptTokens;
  }

  /** Those of {@link #begunPromptTokens} that the prefix cache had. */
  public int begunCachedTokens() {
    return begunCachedTokens;
  }

  /** Forgets the last step. */
  public void clear() {
    accounts.clear();
    ended = 0;
    abandonedRows = 0;
    begunPromptTokens = 0;
    begunCachedTokens = 0;
  }

  /** Adds a prompt that begins to run. */
  public void addBegun(int promptTokens, int cachedTokens) {
    begunPromptTokens += promptTokens;
    begunCachedTokens += cachedTokens;
  }

  /** Adds a group. */
  public void add(RequestAccount account, int prefillRows, int drawn) {
    int g = accounts.size();
    if (g == this.drawn.length) {
      this.prefillRows = Arrays.copyOf(this.prefillRows, 2 * g);
      this.drawn = Arrays.copyOf(this.drawn, 2 * g);
    }
    accounts.add(account);
    this.prefillRows[g] = prefillRows;
    this.drawn[g] = drawn;
  }

  /** Takes note that a sequence ended. */
  public void addEnded() {
    ended++;
  }

  /** Takes note that nobody waits for {@code rows} of the step any more. */
  public void addAbandoned(int rows) {
    abandonedRows += rows;
  }

  public void setTime(long nanos, long cpuNanos) {
    this.nanos = nanos;
    this.cpuNanos = cpuNanos;
  }
}
