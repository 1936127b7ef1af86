package dev.tritium.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tritium.grammar.TokenGrammar;
import dev.tritium.grammar.Vocabulary;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.model.Batch;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Models;
import dev.tritium.testing.Seeded;
import dev.tritium.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Answers that must be documents, of a model that says anything. */
class ConstrainedSequenceTest {
  private static final Tokenizer TOKENIZER = Tokenizer.open(Models.BUNDLED);
  private static final Vocabulary VOCABULARY =
      Vocabularies.of(TOKENIZER, FakeModel.VOCABULARY, Set.of(FakeModel.EOS));
  private static final Map<String, Object> SCHEMA =
      Map.of(
          "type",
          "object",
          "properties",
          Map.of("name", Map.of("type", "string"), "age", Map.of("type", "integer")),
          "required",
          List.of("name", "age"));

  private final Sampler sampler = new Sampler(FakeModel.VOCABULARY, new ScalarRowKernels());

  private static SequenceRequest request(
      TokenGrammar grammar, int answers, int maxTokens, Sampling sampling) {
    StopRules stop = new StopRules(maxTokens, 0, List.of(), Set.of(FakeModel.EOS));
    return new SequenceRequest(
        new int[] {1, 300}, 0, answers, "", sampling, stop, Logprobs.NONE, grammar);
  }

  /** The texts of all answers, each of which must have stopped by itself. */
  private List<String> answers(SequenceRequest request) {
    FakeModel model = FakeModel.random();
    List<Sequence> running = new ArrayList<>();
    running.add(
        new Sequence(
            request,
            new RequestAccount(0, null),
            model.newState(),
            FakeModel.VOCABULARY,
            TOKENIZER));
    List<StringBuilder> texts = new ArrayList<>(List.of(new StringBuilder()));
    for (boolean prefill = true; running.stream().anyMatch(s -> !s.isFinished()); prefill = false) {
      for (int k = 0; k < running.size(); k++) {
        Sequence sequence = running.get(k);
        if (sequence.isFinished()) {
          continue;
        }
        Batch batch = new Batch();
        Batch.Group group = sequence.addTo(batch, 2, Batch.NONE);
        model.forward(batch);
        List<Sequence> forks = sequence.advance(batch, group, sampler);
        texts.get(k).append(sequence.added().text());
        if (sequence.isFinished()) {
          assertEquals(FinishReason.STOP, sequence.added().finish());
        }
        for (Sequence fork : forks) {
          running.add(fork);
          texts.add(new StringBuilder(fork.added().text()));
        }
        if (prefill) {
          break;
        }
      }
    }
    return texts.stream().map(StringBuilder::toString).toList();
  }

  @Test
  void everyAnswerIsADocumentWhateverTheSampling() {
    TokenGrammar grammar = TokenGrammar.ofSchema(SCHEMA, VOCABULARY);
    Seeded.check(
        40,
        random -> {
          Sampling sampling =
              new Sampling(
                  random.nextInt(4) * 0.5,
                  random.nextInt(3) * 20,
                  random.nextBoolean() ? 1 : 0.7,
                  random.nextBoolean() ? 0 : 0.05,
                  random.nextBoolean() ? 1 : 0.9,
                  random.nextBoolean() ? 1 : 1.3,
                  random.nextInt(2),
                  random.nextInt(2),
                  random.nextBoolean() ? Map.of() : Map.of(FakeModel.EOS, 100.0, 300, 50.0),
                  random.nextLong());
          int maxTokens = grammar.tokensOfShortest() + random.nextInt(60);
          for (String text : answers(request(grammar, 3, maxTokens, sampling))) {
            JsonNode document = read(text);
            assertTrue(document.get("name").isTextual(), text);
            assertTrue(document.get("age").isIntegralNumber(), text);
            assertEquals(2, document.size(), text);
          }
        });
  }

  @Test
  void anAnswerEndsWithItsDocument() {
    TokenGrammar grammar = TokenGrammar.ofSchema(Map.of("const", true), VOCABULARY);
    assertEquals(List.of("true"), answers(request(grammar, 1, 50, Sampling.plain(1))));
  }

  @Test
  void aLimitBelowTheShortestDocumentIsRefused() {
    TokenGrammar grammar = TokenGrammar.ofSchema(SCHEMA, VOCABULARY);
    int tooFew = grammar.tokensOfShortest() - 1;
    assertThrows(
        IllegalArgumentException.class, () -> request(grammar, 1, tooFew, Sampling.greedy()));
  }

  private static JsonNode read(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError(text, e);
    }
  }
}
