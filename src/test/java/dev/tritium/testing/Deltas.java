package dev.tritium.testing;

import dev.tritium.engine.AnswerBuffer;
import dev.tritium.engine.AnswerDelta;
import java.util.List;

/** Deltas of one answer, joined. */
public final class Deltas {
  private Deltas() {}

  public static AnswerDelta join(List<AnswerDelta> deltas) {
    AnswerBuffer buffer = new AnswerBuffer(deltas.getFirst().choice());
    deltas.forEach(buffer::add);
    return buffer.toDelta();
  }
}
