package dev.tritium.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.tritium.kernel.Rows;
import dev.tritium.model.Batch.Group;
import dev.tritium.testing.FakeModel;
import java.util.List;
import org.junit.jupiter.api.Test;

class BatchTest {
  private final FakeModel model = FakeModel.random();
  private final Batch batch = new Batch();

  @Test
  void aGroupIsPartOfAnArrayAndKnowsItsPlace() {
    batch.add(model.newState(), new int[] {1, 2, 3}, new int[] {0, 2}, Batch.NONE);
    int[] prompt = {10, 11, 12, 13, 14};
    Group group = batch.add(model.newState(), prompt, 2, 2, new int[] {1}, Batch.NONE);
    assertEquals(List.of(12, 13), List.of(group.token(0), group.token(1)));
    assertEquals(2, group.count());
    assertEquals(3, group.firstRow());
    assertEquals(5, batch.rows());
    assertEquals(3, batch.logitCount());
    batch.setLogits(new Rows(3, 7));
    assertEquals(14, group.logitsAt(0));
  }

  @Test
  void aClearedBatchIsLikeANewOneAndUsesItsGroupsAgain() {
    SequenceState state = model.newState();
    Group first = batch.add(state, new int[] {1, 2, 3}, new int[] {2}, new int[] {1});
    batch.setLogits(new Rows(1, 7));
    batch.clear();
    assertEquals(0, batch.rows());
    assertEquals(0, batch.logitCount());
    assertEquals(List.of(), batch.groups());
    assertThrows(IllegalStateException.class, batch::logits);
    assertThrows(NullPointerException.class, first::state, "it lets go of the state");
    Group again = batch.add(state, new int[] {4}, Batch.NONE, Batch.NONE);
    assertSame(first, again);
    assertEquals(1, again.count());
    assertEquals(0, again.firstRow());
    assertEquals(0, again.logitRows().length);
    assertEquals(0, again.snapshotRows().length);
  }

  @Test
  void whatCannotRunIsRefused() {
    SequenceState state = model.newState();
    int[] tokens = {1, 2, 3};
    assertThrows(
        IllegalArgumentException.class, () -> batch.add(state, Batch.NONE, Batch.NONE, Batch.NONE));
    assertThrows(
        IllegalArgumentException.class,
        () -> batch.add(state, tokens, 0, 2, new int[] {2}, Batch.NONE));
    assertThrows(
        IllegalArgumentException.class,
        () -> batch.add(state, tokens, new int[] {1, 1}, Batch.NONE));
    assertThrows(
        IndexOutOfBoundsException.class,
        () -> batch.add(state, tokens, 2, 2, Batch.NONE, Batch.NONE));
    batch.add(state, tokens, Batch.NONE, Batch.NONE);
    assertThrows(
        IllegalArgumentException.class, () -> batch.add(state, tokens, Batch.NONE, Batch.NONE));
  }
}
