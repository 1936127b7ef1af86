package dev.tritium.model;

import dev.tritium.kernel.Rows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one forward call runs: groups of token rows, one group for each sequence. The prefill of one
 * prompt, a decode step of forty sequences and a mix of both are all the same call. A batch that is
 * cleared and filled again allocates nothing.
 */
public final class Batch {
  /** No rows. */
  public static final int[] NONE = {};

  private static final StateSnapshot[] NO_SNAPSHOTS = {};

  /** Consecutive tokens of one sequence, with what is wanted of them. */
  public static final class Group {
    private final Batch batch;
    private @Nullable SequenceState state; // null while it is not in the batch
    private int[] tokens = NONE; // [from, from + count)
    private int from;
    private int count;
    private int[] logitRows = NONE;
    private int[] snapshotRows = NONE;
    private @Nullable StateSnapshot[] snapshots = NO_SNAPSHOTS;
    private int firstRow;
    private int firstLogits;

    private Group(Batch batch) {
      this.batch = batch;
    }

    private void leave() {
      state = null;
      tokens = NONE;
      logitRows = NONE;
      snapshotRows = NONE;
      for (StateSnapshot snapshot : snapshots) {
        if (snapshot != null) {
          snapshot.release();
        }
      }
      snapshots = NO_SNAPSHOTS;
    }

    public SequenceState state() {
      return Objects.requireNonNull(state, "the batch was cleared");
    }

    /** Number of rows, at least 1. */
    public int count() {
      return count;
    }

    public int token(int row) {
      return tokens[from + row];
    }

    /** Index in the batch of the group's first row. */
    public int firstRow() {
      return firstRow;
    }

    /** The group's rows whose logits are wanted, ascending. */
    public int[] logitRows() {
      return logitRows;
    }

    /** The group's rows after which the state is copied, ascending. */
    public int[] snapshotRows() {
      return snapshotRows;
    }

    /** Index in {@link Batch#logits} of the first value for the {@code i}th wanted row. */
    public int logitsAt(int i) {
      return batch.logits().at(firstLogits + i);
    }

    /** The copy after the {@code i}th of the snapshot rows, for the model that fills it in. */
    StateSnapshot snapshot(int i) {
      return Objects.requireNonNull(snapshots[i]);
    }

    /**
     * The copy taken after the {@code i}th of the snapshot rows, which the caller owns from now on;
     * there once forward returned. Those that nobody takes are released with the batch.
     */
    public StateSnapshot takeSnapshot(int i) {
      StateSnapshot taken = snapshot(i);
      snapshots[i] = null;
      return taken;
    }

    /** Called by the model that runs the batch. */
    public void setSnapshot(int i, StateSnapshot snapshot) {
      snapshots[i] = snapshot;
    }
  }

  private final List<Group> groups = new ArrayList<>();
  private final List<Group> spare = new ArrayList<>(); // groups of earlier calls
  private final Set<SequenceState> states = Collections.newSetFromMap(new IdentityHashMap<>());
  private int rows;
  private int logitCount;
  private @Nullable Rows logits; // [logitCount, vocabulary]

  /** Empties the batch for the next call; its groups are used again. */
  public void clear() {
    while (!groups.isEmpty()) {
      Group group = groups.removeLast();
      group.leave();
      spare.add(group);
    }
    states.clear();
    rows = 0;
    logitCount = 0;
    logits = null;
  }

  /** Adds all of {@code tokens}; see {@link #add(SequenceState, int[], int, int, int[], int[])}. */
  public Group add(SequenceState state, int[] tokens, int[] logitRows, int[] snapshotRows) {
    return add(state, tokens, 0, tokens.length, logitRows, snapshotRows);
  }

  /**
   * Adds the next tokens of a sequence, tokens[from, from + count). No array is copied: they must
   * stay as they are until the batch is cleared.
   *
   * @param logitRows of [0, count), ascending: the rows whose logits are wanted
   * @param snapshotRows of [0, count), ascending: the rows after which the state is copied
   * @throws IllegalArgumentException if there are no tokens, or the state is in the batch already
   */
  public Group add(
      SequenceState state, int[] tokens, int from, int count, int[] logitRows, int[] snapshotRows) {
    if (count == 0) {
      throw new IllegalArgumentException("a group needs at least one token");
    }
    Objects.checkFromIndexSize(from, count, tokens.length);
    requireAscending(logitRows, count);
    requireAscending(snapshotRows, count);
    if (!states.add(state)) {
      throw new IllegalArgumentException("a sequence can be in a batch only once");
    }
    Group group = spare.isEmpty() ? new Group(this) : spare.removeLast();
    group.state = state;
    group.tokens = tokens;
    group.from = from;
    group.count = count;
    group.logitRows = logitRows;
    group.snapshotRows = snapshotRows;
    group.snapshots =
        snapshotRows.length == 0 ? NO_SNAPSHOTS : new StateSnapshot[snapshotRows.length];
    group.firstRow = rows;
    group.firstLogits = logitCount;
    groups.add(group);
    rows += count;
    logitCount += logitRows.length;
    return group;
  }

  private static void requireAscending(int[] wanted, int count) {
    int last = -1;
    for (int row : wanted) {
      if (row <= last || row >= count) {
        throw new IllegalArgumentException(
            "rows " + Arrays.toString(wanted) + " must ascend within [0, " + count + ")");
      }
      last = row;
    }
  }

  public List<Group> groups() {
    return groups;
  }

  /** Number of token rows of all groups. */
  public int rows() {
    return rows;
  }

  /** Number of rows whose logits are wanted. */
  public int logitCount() {
    return logitCount;
  }

  /** The wanted logits [logitCount, vocabulary]; valid until the model's next forward call. */
  public Rows logits() {
    if (logits == null) {
      throw new IllegalStateException("the batch has not been run");
    }
    return logits;
  }

  /** Called by the model that runs the batch. */
  public void setLogits(Rows logits) {
    this.logits = logits;
  }
}
