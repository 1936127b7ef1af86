package dev.tritium.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
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
  private final List<RequestAccount> begun = new ArrayList<>();
  private final List<RequestAccount> begunView = Collections.unmodifiableList(begun);
  private final List<RequestAccount> answering = new ArrayList<>();
  private final List<RequestAccount> answeringView = Collections.unmodifiableList(answering);
  private int[] prefillRows = new int[16];
  private int[] drawn = new int[16];
  private long[] gapNanos = new long[16];

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

  /**
   * Time from the end of the step that drew group {@code g}'s token before this one until the end
   * of this step, in nanoseconds; 0 where this step drew none, or an answer's first.
   */
  public long gapNanos(int g) {
    return gapNanos[g];
  }

  /** Requests the first of whose prompts began to run with this step. */
  public List<RequestAccount> begun() {
    return begunView;
  }

  /** Requests whose first token was drawn in this step. */
  public List<RequestAccount> answering() {
    return answeringView;
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
    begun.clear();
    answering.clear();
    abandonedRows = 0;
    begunPromptTokens = 0;
    begunCachedTokens = 0;
  }

  /** Adds a prompt that begins to run and may use the prefix cache. */
  public void addBegun(int promptTokens, int cachedTokens) {
    begunPromptTokens += promptTokens;
    begunCachedTokens += cachedTokens;
  }

  /** Adds a request that begins to run. */
  public void addBegun(RequestAccount account) {
    begun.add(account);
  }

  /** Adds a request that has its first token. */
  public void addAnswering(RequestAccount account) {
    answering.add(account);
  }

  /** Adds a group. */
  public void add(RequestAccount account, int prefillRows, int drawn) {
    int g = accounts.size();
    if (g == this.drawn.length) {
      this.prefillRows = Arrays.copyOf(this.prefillRows, 2 * g);
      this.drawn = Arrays.copyOf(this.drawn, 2 * g);
      this.gapNanos = Arrays.copyOf(this.gapNanos, 2 * g);
    }
    accounts.add(account);
    this.prefillRows[g] = prefillRows;
    this.drawn[g] = drawn;
    this.gapNanos[g] = 0;
  }

  /** Sets the time between the last two tokens of group {@code g}. */
  public void setGap(int g, long nanos) {
    gapNanos[g] = nanos;
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
