package dev.tritium.model;

import dev.tritium.kernel.Rows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one forward call runs: groups of token rows, one group for each sequence. The prefill of one
 * prompt, a decode step of forty sequences and a mix of both are all the same call.
 */
public final class Batch {
  /** No rows. */
  public static final int[] NONE = {};

  /** Consecutive tokens of one sequence, with what is wanted of them. */
  public static final class Group {
    private final SequenceState state;
    private final int[] tokens; // [count]
    private final int[] logitRows;
    private final int[] snapshotRows;
    private final StateSnapshot[] snapshots;
    private final int firstRow;
    private final int firstLogits;
    private final Batch batch;

    private Group(
        Batch batch, SequenceState state, int[] tokens, int[] logitRows, int[] snapshotRows) {
      this.batch = batch;
      this.state = state;
      this.tokens = tokens;
      this.logitRows = logitRows;
      this.snapshotRows = snapshotRows;
      this.snapshots = new StateSnapshot[snapshotRows.length];
      this.firstRow = batch.rows;
      this.firstLogits = batch.logitCount;
    }

    public SequenceState state() {
      return state;
    }

    /** Number of rows, at least 1. */
    public int count() {
      return tokens.length;
    }

    public int token(int row) {
      return tokens[row];
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

    /** The copy taken after the {@code i}th of the snapshot rows; there once forward returned. */
    public StateSnapshot snapshot(int i) {
      return snapshots[i];
    }

    /** Called by the model that runs the batch. */
    public void setSnapshot(int i, StateSnapshot snapshot) {
      snapshots[i] = snapshot;
    }
  }

  private final List<Group> groups = new ArrayList<>();
  private final Set<SequenceState> states = Collections.newSetFromMap(new IdentityHashMap<>());
  private int rows;
  private int logitCount;
  private @Nullable Rows logits; // [logitCount, vocabulary]

  /**
   * Adds the next {@code tokens} of a sequence.
   *
   * @param logitRows indexes into {@code tokens}, ascending, of the rows whose logits are wanted
   * @param snapshotRows indexes into {@code tokens}, ascending, after which the state is copied
   * @throws IllegalArgumentException if there are no tokens, or the state is in the batch already
   */
  public Group add(SequenceState state, int[] tokens, int[] logitRows, int[] snapshotRows) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("a group needs at least one token");
    }
    if (!states.add(state)) {
      throw new IllegalArgumentException("a sequence can be in a batch only once");
    }
    requireAscending(logitRows, tokens.length);
    requireAscending(snapshotRows, tokens.length);
    Group group = new Group(this, state, tokens, logitRows, snapshotRows);
    groups.add(group);
    rows += tokens.length;
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
