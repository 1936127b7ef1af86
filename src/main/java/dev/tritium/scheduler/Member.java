package dev.tritium.scheduler;

import dev.tritium.engine.Sequence;
import dev.tritium.engine.SequenceRequest;
import dev.tritium.model.Batch;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/** A sequence that runs, as the scheduler sees it. */
final class Member {
  private static final BitSet NOTHING = new BitSet();

  final Sequence sequence;
  final Generation generation;

  /** Lengths of prefixes of the prompt after which the state is kept. */
  final BitSet keep;

  /** Its own place, and those of its forks to come. */
  int slots;

  /** Rows in this step. */
  int rows;

  /** When the step of its last token ended, by the scheduler's clock; 0 before its first. */
  long lastTokenNanos;

  /** Whether it runs no more. */
  boolean gone;

  /** What ended it. */
  @Nullable Throwable failure;

  Member(Sequence sequence, Generation generation, BitSet keep) {
    this.sequence = sequence;
    this.generation = generation;
    this.keep = keep;
    this.slots = sequence.request().answers();
  }

  /** A fork, which has drawn its first token. */
  Member(Sequence fork, Generation generation) {
    this.sequence = fork;
    this.generation = generation;
    this.keep = NOTHING;
    this.slots = 1;
  }

  SequenceRequest request() {
    return sequence.request();
  }

  /** Gives its prompt at most {@code most} more rows; returns how many. */
  int addRows(int most) {
    int added = Math.max(0, Math.min(most, sequence.promptLeft() - rows));
    rows += added;
    return added;
  }

  /** The rows of its part in this step after which its state is kept. */
  int[] snapshotRows() {
    int run = sequence.run();
    int next = keep.nextSetBit(run + 1);
    return next < 0 || next > run + rows
        ? Batch.NONE
        : keep.get(run + 1, run + rows + 1).stream().toArray();
  }
}
