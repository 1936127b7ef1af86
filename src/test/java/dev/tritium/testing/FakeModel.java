package dev.tritium.testing;

import dev.tritium.kernel.Rows;
import dev.tritium.model.Batch;
import dev.tritium.model.LanguageModel;
import dev.tritium.model.ModelDescription;
import dev.tritium.model.SequenceState;
import dev.tritium.model.StateSnapshot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A model whose logits follow a script from the tokens of a sequence so far; the vocabulary is the
 * bundled model's. It remembers what it was asked to run.
 */
public final class FakeModel implements LanguageModel {
  public static final int VOCABULARY = 4096;
  public static final int EOS = 2;
  public static final int SNAPSHOT_BYTES = 1_000;

  /** Writes the logits [at, at + VOCABULARY) after {@code tokens}; they are 0 before. */
  public interface Script {
    void logits(List<Integer> tokens, float[] row, int at);
  }

  private final class State implements SequenceState {
    private final List<Integer> tokens = new ArrayList<>();

    @Override
    public long tokenCount() {
      return tokens.size();
    }

    @Override
    public StateSnapshot snapshot() {
      beforeSnapshot.run();
      return new Snapshot(List.copyOf(tokens));
    }

    @Override
    public SequenceState copy() {
      return newState(tokens);
    }
  }

  /** A copy of the tokens; as large as a real model's state would be, whatever its length. */
  private final class Snapshot implements StateSnapshot {
    private final List<Integer> tokens;
    private boolean released;

    Snapshot(List<Integer> tokens) {
      this.tokens = tokens;
      liveSnapshots++;
    }

    @Override
    public long tokenCount() {
      return tokens.size();
    }

    @Override
    public long sizeBytes() {
      return SNAPSHOT_BYTES;
    }

    @Override
    public byte[] toBytes() {
      throw new UnsupportedOperationException("no byte form here");
    }

    @Override
    public void release() {
      if (released) {
        throw new IllegalStateException("released twice");
      }
      released = true;
      liveSnapshots--;
    }
  }

  private final Script script;
  private final List<State> states = new ArrayList<>();
  private final List<Integer> rowsOfCalls = new ArrayList<>();
  private int liveSnapshots;
  private volatile Runnable beforeForward = () -> {};
  private volatile Runnable beforeState = () -> {};
  private volatile Runnable beforeSnapshot = () -> {};

  public FakeModel(Script script) {
    this.script = script;
  }

  /** Random logits that depend on every token so far and their order. */
  public static FakeModel random() {
    return new FakeModel(
        (tokens, row, at) -> {
          SplittableRandom random = new SplittableRandom(tokens.hashCode());
          for (int id = 0; id < VOCABULARY; id++) {
            row[at + id] = (float) (10 * random.nextDouble() - 5);
          }
        });
  }

  /** By far the likeliest token is the next of {@code whole}, which begins with the prompt. */
  public static FakeModel reciting(int... whole) {
    return new FakeModel(
        (tokens, row, at) -> row[at + whole[Math.min(tokens.size(), whole.length - 1)]] = 20);
  }

  /** Called at the beginning of each forward call; it may throw. */
  public void beforeForward(Runnable hook) {
    beforeForward = hook;
  }

  /** Called before each new state; it may throw. */
  public void beforeState(Runnable hook) {
    beforeState = hook;
  }

  /** Called before each snapshot; it may throw. */
  public void beforeSnapshot(Runnable hook) {
    beforeSnapshot = hook;
  }

  /** Rows of each forward call so far. */
  public List<Integer> rowsOfCalls() {
    return rowsOfCalls;
  }

  /** Snapshots that were made and not released yet. */
  public int liveSnapshots() {
    return liveSnapshots;
  }

  /** The tokens that were run into each state, in the order of the states' making. */
  public List<List<Integer>> tokensOfStates() {
    return states.stream().map(state -> state.tokens).toList();
  }

  @Override
  public ModelDescription description() {
    return new ModelDescription("fake", VOCABULARY, 1, 1, 1, 0, 0, 0, Set.of(EOS));
  }

  @Override
  public OptionalInt maxTokens() {
    return OptionalInt.empty();
  }

  @Override
  public long weightBytes() {
    return 0;
  }

  @Override
  public long stateBytes(long tokens) {
    return 4 * tokens;
  }

  @Override
  public SequenceState newState() {
    return newState(List.of());
  }

  private State newState(List<Integer> tokens) {
    beforeState.run();
    State state = new State();
    state.tokens.addAll(tokens);
    states.add(state);
    return state;
  }

  @Override
  public SequenceState restore(StateSnapshot snapshot) {
    Snapshot copy = (Snapshot) snapshot;
    if (copy.released) {
      throw new IllegalStateException("restored after its release");
    }
    return newState(copy.tokens);
  }

  @Override
  public StateSnapshot readSnapshot(byte[] bytes) {
    throw new UnsupportedOperationException("no snapshots here");
  }

  @Override
  public void forward(Batch batch) {
    beforeForward.run();
    rowsOfCalls.add(batch.rows());
    Rows logits = new Rows(batch.logitCount(), VOCABULARY);
    int next = 0;
    for (Batch.Group group : batch.groups()) {
      State state = (State) group.state();
      for (int row = 0; row < group.count(); row++) {
        state.tokens.add(group.token(row));
        int copied = Arrays.binarySearch(group.snapshotRows(), row);
        if (copied >= 0) {
          group.setSnapshot(copied, state.snapshot());
        }
        if (Arrays.binarySearch(group.logitRows(), row) >= 0) {
          script.logits(state.tokens, logits.values(), logits.at(next++));
        }
      }
    }
    batch.setLogits(logits);
  }

  @Override
  public void close() {}
}
