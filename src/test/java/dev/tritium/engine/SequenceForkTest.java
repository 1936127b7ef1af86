package dev.tritium.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.tritium.kernel.Kernels;
import dev.tritium.model.Batch;
import dev.tritium.model.LanguageModel;
import dev.tritium.testing.Deltas;
import dev.tritium.testing.Golden;
import dev.tritium.testing.Models;
import dev.tritium.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** A sequence is a value: a fork goes on with the same bits, and neither disturbs the other. */
class SequenceForkTest {
  private static final Kernels KERNELS = Models.scalar(1);
  private static final LanguageModel MODEL = Models.load(Golden.checkpoint("hgrn-tiny"), KERNELS);
  private static final Tokenizer TOKENIZER = Tokenizer.open(Golden.checkpoint("hgrn-tiny"));

  private final Sampler sampler = new Sampler(4096, KERNELS.rows());
  private final Sampling sampling = new Sampling(1, 50, 1, 0, 1, 1.3, 0.5, 0.5, Map.of(), 7);
  private final SequenceRequest request =
      new SequenceRequest(
          new int[] {1, 300, 301, 302},
          0,
          sampling,
          new StopRules(20, 0, List.of("no such text"), Set.of()),
          new Logprobs(2, true, false));

  @AfterAll
  static void close() {
    TOKENIZER.close();
    MODEL.close();
    KERNELS.close();
  }

  private Sequence begin() {
    return new Sequence(request, new RequestAccount(4, null), MODEL.newState(), 4096, TOKENIZER);
  }

  private List<AnswerDelta> step(int times, Sequence... sequences) {
    List<AnswerDelta> last = new ArrayList<>();
    for (int t = 0; t < times; t++) {
      Batch batch = new Batch();
      for (Sequence sequence : sequences) {
        sequence.addTo(batch, 16, Batch.NONE);
      }
      MODEL.forward(batch);
      for (int s = 0; s < sequences.length; s++) {
        sequences[s].advance(batch, batch.groups().get(s), sampler);
        last.add(sequences[s].added().toDelta());
      }
    }
    return last;
  }

  @Test
  void aForkOfTheSameChoiceGoesOnWithTheSameTokens() {
    Sequence origin = begin();
    step(5, origin);
    Sequence fork = origin.fork(0);
    AnswerDelta rest = Deltas.join(step(15, origin));
    assertEquals(rest, Deltas.join(step(15, fork)), "alone, after its origin");
  }

  @Test
  void forksOfOtherChoicesGoTheirOwnWays() {
    Sequence alone = begin();
    AnswerDelta expected = Deltas.join(step(20, alone));
    Sequence origin = begin();
    List<AnswerDelta> begun = step(5, origin);
    Sequence other = origin.fork(1);
    List<AnswerDelta> both = step(15, origin, other);
    for (int i = 0; i < both.size(); i += 2) {
      begun.add(both.get(i));
      assertEquals(1, both.get(i + 1).choice());
    }
    assertEquals(expected, Deltas.join(begun), "its fork did not disturb it");
    assertNotEquals(
        both.stream().filter(d -> d.choice() == 0).flatMap(d -> d.tokens().stream()).toList(),
        both.stream().filter(d -> d.choice() == 1).flatMap(d -> d.tokens().stream()).toList());
  }
}
