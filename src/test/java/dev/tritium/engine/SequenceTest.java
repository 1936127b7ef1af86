package dev.tritium.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.engine.AnswerDelta.AnswerToken;
import dev.tritium.kernel.ScalarRowKernels;
import dev.tritium.model.Batch;
import dev.tritium.testing.Deltas;
import dev.tritium.testing.FakeModel;
import dev.tritium.testing.Models;
import dev.tritium.testing.Seeded;
import dev.tritium.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SequenceTest {
  private static final int BYTE_0 = 3; // the first byte token
  private static final String STORY = "Once upon a time there was a cat. The cat saw a big dog.";

  private static Tokenizer tokenizer;
  private final Sampler sampler = new Sampler(FakeModel.VOCABULARY, new ScalarRowKernels());

  @BeforeAll
  static void open() {
    tokenizer = Tokenizer.open(Models.BUNDLED);
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  /** A sequence with all that it has published. */
  private final class Played {
    final RequestAccount account = new RequestAccount(0, null);
    final Sequence sequence;
    final List<AnswerDelta> deltas = new ArrayList<>();

    Played(FakeModel model, SequenceRequest request) {
      sequence = new Sequence(request, account, model.newState(), FakeModel.VOCABULARY, tokenizer);
    }

    void advance(Batch batch, Batch.Group group) {
      sequence.advance(batch, group, sampler);
      if (!sequence.added().isEmpty()) {
        deltas.add(sequence.added().toDelta());
      }
    }

    AnswerDelta answer() {
      return Deltas.join(deltas);
    }

    List<String> texts() {
      return deltas.stream().map(AnswerDelta::text).toList();
    }

    List<Integer> ids() {
      return answer().tokens().stream().map(AnswerToken::id).toList();
    }
  }

  /**
   * Runs a request to its end; the i-th step may prefill the i-th number of rows, then the last.
   */
  private Played play(FakeModel model, SequenceRequest request, int... rows) {
    Played played = new Played(model, request);
    for (int step = 0; !played.sequence.isFinished(); step++) {
      Batch batch = new Batch();
      Batch.Group group =
          played.sequence.addTo(batch, rows[Math.min(step, rows.length - 1)], Batch.NONE);
      model.forward(batch);
      played.advance(batch, group);
    }
    return played;
  }

  private static StopRules limit(int maxTokens) {
    return new StopRules(maxTokens, 0, List.of(), Set.of());
  }

  private static SequenceRequest greedy(int[] prompt, StopRules stop) {
    return new SequenceRequest(prompt, 0, Sampling.greedy(), stop, new Logprobs(0, true, false));
  }

  private static int[] ids(String text) {
    return tokenizer.encode(text, true);
  }

  private static int id(String piece) {
    return IntStream.range(0, tokenizer.size())
        .filter(id -> tokenizer.pieceText(id).equals(piece))
        .findFirst()
        .orElseThrow();
  }

  private static int[] concat(int[] first, int... second) {
    return IntStream.concat(Arrays.stream(first), Arrays.stream(second)).toArray();
  }

  private static List<Integer> listed(int... ids) {
    return Arrays.stream(ids).boxed().toList();
  }

  @Test
  void theAnswerGoesOnWhereThePromptEnds() {
    int[] whole = ids(STORY);
    int[] prompt = Arrays.copyOf(whole, 4);
    FakeModel model = FakeModel.reciting(whole);
    Played played = play(model, greedy(prompt, limit(whole.length - 4)), 100);
    assertEquals(STORY.substring(tokenizer.decode(prompt).length()), played.answer().text());
    assertEquals(listed(whole).subList(4, whole.length), played.ids());
    assertEquals(FinishReason.LENGTH, played.answer().finish());
    assertEquals(4, played.account.prefilledTokens());
    assertEquals(whole.length - 4, played.account.answerTokens());
    assertEquals(
        List.of(listed(whole).subList(0, whole.length - 1)),
        model.tokensOfStates(),
        "the last token need not be run");
  }

  @Test
  void aPromptOf5000TokensIsRunWholeInAnyChunks() {
    int[] prompt = IntStream.range(0, 5_000).map(i -> i % FakeModel.VOCABULARY).toArray();
    SequenceRequest request =
        new SequenceRequest(prompt, 0, Sampling.plain(5), limit(3), Logprobs.NONE);
    Played whole = play(FakeModel.random(), request, 5_000);
    for (int rows : new int[] {128, 1_000, 4_999, 9_999}) {
      FakeModel model = FakeModel.random();
      Played played = play(model, request, rows);
      assertEquals(whole.answer(), played.answer(), "rows " + rows);
      assertEquals(5_000, played.account.prefilledTokens(), "rows " + rows);
      assertEquals(listed(prompt), model.tokensOfStates().getFirst().subList(0, 5_000));
      assertEquals((5_000 + rows - 1) / rows + 2, model.rowsOfCalls().size(), "rows " + rows);
    }
  }

  @Test
  void aSeededAnswerIsTheSameAloneAndInCompanyAndInAnyChunks() {
    Seeded.check(
        30,
        random -> {
          List<SequenceRequest> requests = new ArrayList<>();
          for (int choice = 0; choice < 4; choice++) {
            int[] prompt = random.ints(1 + random.nextInt(9), 0, FakeModel.VOCABULARY).toArray();
            Sampling sampling =
                choice == 0
                    ? Sampling.plain(random.nextLong())
                    : new Sampling(
                        1, choice * 90, 0.9, 0, 1, 1.2, 0.5, 0.5, Map.of(), random.nextLong());
            requests.add(
                new SequenceRequest(
                    prompt, choice, sampling, limit(5), new Logprobs(2, true, choice % 2 == 0)));
          }
          FakeModel model = FakeModel.random();
          List<Played> company = new ArrayList<>();
          requests.forEach(request -> company.add(new Played(model, request)));
          while (company.stream().anyMatch(played -> !played.sequence.isFinished())) {
            Batch batch = new Batch();
            List<Played> members = new ArrayList<>();
            for (Played played : company) {
              if (!played.sequence.isFinished() && random.nextInt(4) > 0) {
                played.sequence.addTo(batch, 1 + random.nextInt(6), Batch.NONE);
                members.add(played);
              }
            }
            if (members.isEmpty()) {
              continue;
            }
            model.forward(batch);
            for (int m = 0; m < members.size(); m++) {
              Played played = members.get(m);
              played.advance(batch, batch.groups().get(m));
            }
          }
          for (int choice = 0; choice < 4; choice++) {
            SequenceRequest request = requests.get(choice);
            Played alone = play(FakeModel.random(), request, 100);
            assertEquals(alone.answer(), company.get(choice).answer(), request::toString);
          }
        });
  }

  @Test
  void promptLogprobsAreTheModelsAndDoNotDependOnTheChunks() {
    int[] prompt = Arrays.copyOf(ids(STORY + STORY + STORY), 40);
    FakeModel model = FakeModel.random();
    float[][] logits = Models.logits(model, model.newState(), prompt);
    for (int maxTokens : new int[] {0, 1, 3}) {
      SequenceRequest request =
          new SequenceRequest(
              prompt, 0, Sampling.greedy(), limit(maxTokens), new Logprobs(3, true, true));
      Played whole = play(FakeModel.random(), request, 40);
      assertEquals(39, whole.answer().prompt().size());
      for (int i = 0; i < 39; i++) {
        TokenLogprob entry = whole.answer().prompt().get(i);
        assertEquals(sampler.logprob(logits[i], 0, prompt[i + 1], 3), entry, "token " + (i + 1));
      }
      for (int[] rows : new int[][] {{1}, {7}, {13}, {39, 1}, {1, 39}, {38, 1}, {20}}) {
        Played played = play(FakeModel.random(), request, rows);
        assertEquals(whole.answer(), played.answer(), () -> "rows " + Arrays.toString(rows));
      }
    }
  }

  @Test
  void anAnswerOfNoTokensEndsWithThePrompt() {
    for (boolean logprobs : new boolean[] {false, true}) {
      for (int length : new int[] {1, 2, 5}) {
        int[] prompt = Arrays.copyOf(ids(STORY), length);
        SequenceRequest request =
            new SequenceRequest(
                prompt, 0, Sampling.greedy(), limit(0), new Logprobs(1, logprobs, logprobs));
        Played played = play(FakeModel.random(), request, 2);
        AnswerDelta answer = played.answer();
        assertEquals(FinishReason.LENGTH, answer.finish());
        assertEquals(List.of(), answer.tokens());
        assertEquals("", answer.text());
        assertEquals(logprobs ? length - 1 : 0, answer.prompt().size());
        assertEquals(length, played.account.prefilledTokens());
        assertEquals(0, played.account.answerTokens());
      }
    }
  }

  @Test
  void logprobsOfTheAnswerAreThoseBeforePenaltiesAndTemperature() {
    int[] prompt = {5, 6, 7};
    Sampling penal = new Sampling(0.5, 3, 1, 0, 1, 1.5, 1, 1, Map.of(9, 5.0), 8);
    SequenceRequest request =
        new SequenceRequest(prompt, 0, penal, limit(4), new Logprobs(2, true, false));
    Played played = play(FakeModel.random(), request, 100);
    FakeModel model = FakeModel.random();
    int[] all = concat(prompt, played.ids().stream().mapToInt(Integer::intValue).toArray());
    float[][] logits = Models.logits(model, model.newState(), all);
    for (int i = 0; i < 4; i++) {
      TokenLogprob entry = Objects.requireNonNull(played.answer().tokens().get(i).logprob());
      assertEquals(sampler.logprob(logits[2 + i], 0, all[3 + i], 2), entry, "token " + i);
    }
    assertEquals(List.of(), played.answer().prompt());
  }

  @Test
  void aStopTokenEndsTheAnswerAndCountsButItsTextDoesNot() {
    int[] whole = ids("Once upon a time there was a cat");
    int[] prompt = Arrays.copyOf(whole, whole.length - 3);
    StopRules stop =
        new StopRules(50, 0, List.of(), Set.of(FakeModel.EOS, whole[whole.length - 1]));
    Played played = play(FakeModel.reciting(whole), greedy(prompt, stop), 100);
    assertEquals(3, played.account.answerTokens());
    assertEquals(listed(whole).subList(prompt.length, whole.length), played.ids());
    assertEquals(FinishReason.STOP, played.answer().finish());
    String before = tokenizer.decode(Arrays.copyOf(whole, whole.length - 1));
    assertEquals(before.substring(tokenizer.decode(prompt).length()), played.answer().text());
  }

  @Test
  void anIgnoredEndOfTextIsATokenLikeOthers() {
    int[] whole = concat(ids("Once"), FakeModel.EOS, FakeModel.EOS, id(" cat"));
    int[] prompt = ids("Once");
    Played played = play(FakeModel.reciting(whole), greedy(prompt, limit(3)), 100);
    assertEquals(listed(FakeModel.EOS, FakeModel.EOS, id(" cat")), played.ids());
    assertEquals(" cat", played.answer().text());
    assertEquals(FinishReason.LENGTH, played.answer().finish());
  }

  @Test
  void stopTokensAreNotDrawnBeforeMinTokens() {
    FakeModel eosOnly = FakeModel.reciting(FakeModel.EOS);
    for (Sampling sampling : List.of(Sampling.greedy(), Sampling.plain(3))) {
      for (int min = 0; min < 5; min++) {
        StopRules stop = new StopRules(10, min, List.of(), Set.of(FakeModel.EOS, 0));
        Played played =
            play(
                eosOnly, new SequenceRequest(new int[] {1}, 0, sampling, stop, Logprobs.NONE), 100);
        assertEquals(min + 1, played.ids().size(), "min_tokens " + min);
        assertEquals(FakeModel.EOS, played.ids().getLast());
        assertTrue(played.ids().subList(0, min).stream().noneMatch(id -> id == 0 || id == 2));
        assertEquals(FinishReason.STOP, played.answer().finish());
      }
    }
  }

  @Test
  void stopStringsCountOnlyAfterMinTokens() {
    int[] prompt = ids("Once");
    int[] whole = concat(prompt, id(" cat"), id(" cat"), id(" dog"), id(" cat"), id(" dog"));
    StopRules stop = new StopRules(5, 2, List.of(" cat"), Set.of());
    Played played = play(FakeModel.reciting(whole), greedy(prompt, stop), 100);
    assertEquals(" cat cat dog", played.answer().text());
    assertEquals(4, played.ids().size());
    assertEquals(FinishReason.STOP, played.answer().finish());
  }

  @Test
  void theTextEndsBeforeAStopStringThatIsSplitOverTokens() {
    int[] whole = ids(STORY);
    int[] prompt = Arrays.copyOf(whole, 4);
    String text = STORY.substring(tokenizer.decode(prompt).length());
    Seeded.check(
        200,
        random -> {
          int from = random.nextInt(text.length());
          int to = from + 1 + random.nextInt(text.length() - from);
          String stop = text.substring(from, to);
          StopRules rules = new StopRules(whole.length - 4, 0, List.of("zz", stop), Set.of());
          Played played = play(FakeModel.reciting(whole), greedy(prompt, rules), 100);
          assertEquals(text.substring(0, text.indexOf(stop)), played.answer().text(), stop);
          assertEquals(FinishReason.STOP, played.answer().finish(), stop);
          AnswerToken last = played.answer().tokens().getLast();
          assertTrue(last.textOffset() < text.indexOf(stop) + stop.length(), stop);
        });
  }

  @Test
  void theEndReleasesWhatWasHeldBackForAStopString() {
    int[] prompt = ids("Once");
    int[] whole = concat(prompt, id(" cat"), id(" dog"), FakeModel.EOS);
    List<String> stops = List.of("dog barks", "dogs");
    Played length =
        play(FakeModel.reciting(whole), greedy(prompt, new StopRules(2, 0, stops, Set.of())), 100);
    assertEquals(List.of(" cat", " dog"), length.texts());
    assertEquals(FinishReason.LENGTH, length.answer().finish());
    Played stop =
        play(
            FakeModel.reciting(whole),
            greedy(prompt, new StopRules(9, 0, stops, Set.of(FakeModel.EOS))),
            100);
    assertEquals(List.of(" cat", " ", "dog"), stop.texts());
    assertEquals(FinishReason.STOP, stop.answer().finish());
  }

  @Test
  void bytesOfACharacterAreOneTextAndShareAnOffset() {
    int[] prompt = ids("Once");
    int[] emoji = {BYTE_0 + 0xF0, BYTE_0 + 0x9F, BYTE_0 + 0x98, BYTE_0 + 0x80};
    int[] whole = concat(concat(prompt, id(" cat")), concat(emoji, id(" dog"), id(" cat")));
    Played played = play(FakeModel.reciting(whole), greedy(prompt, limit(7)), 100);
    assertEquals(List.of(" cat", "", "", "", "", "😀 dog", " cat"), played.texts());
    assertEquals(
        List.of(0, 4, 4, 4, 4, 6, 10),
        played.answer().tokens().stream().map(AnswerToken::textOffset).toList());
  }

  @Test
  void offsetsBeginAtTheAnswerWhenThePromptEndsInBytes() {
    int[] prompt = concat(ids("Once"), BYTE_0 + 0xC3, BYTE_0 + 0xA9);
    int[] whole = concat(prompt, BYTE_0 + 0xC3, BYTE_0 + 0xA8, id(" cat"));
    Played played = play(FakeModel.reciting(whole), greedy(prompt, limit(3)), 100);
    assertEquals(List.of("", "", "è cat"), played.texts());
    assertEquals(
        List.of(0, 0, 1), played.answer().tokens().stream().map(AnswerToken::textOffset).toList());
  }

  @Test
  void theTokenLimitReleasesUnfinishedCharacters() {
    int[] prompt = ids("Once");
    int[] whole = concat(prompt, BYTE_0 + 0xF0, BYTE_0 + 0x9F);
    Played played = play(FakeModel.reciting(whole), greedy(prompt, limit(2)), 100);
    assertEquals(List.of("", "\uFFFD\uFFFD"), played.texts());
  }

  @Test
  void aCharacterThatTheLimitReleasesCanCompleteAStopString() {
    int[] prompt = ids("Once");
    int[] whole = concat(prompt, id(" cat"), BYTE_0 + 0xC3, BYTE_0 + 0xA9);
    StopRules stop = new StopRules(3, 0, List.of("té"), Set.of());
    Played played = play(FakeModel.reciting(whole), greedy(prompt, stop), 100);
    assertEquals(" ca", played.answer().text());
    assertEquals(FinishReason.STOP, played.answer().finish());
  }

  @Test
  void textOffsetsAreTheLengthOfTheTextBefore() {
    int[] whole = ids(STORY);
    int[] prompt = Arrays.copyOf(whole, 2);
    Played played = play(FakeModel.reciting(whole), greedy(prompt, limit(whole.length - 2)), 100);
    int length = 0;
    for (AnswerDelta delta : played.deltas) {
      assertEquals(length, delta.tokens().getFirst().textOffset());
      length += delta.text().length();
    }
  }

  @Test
  void aPromptNeedsAToken() {
    assertThrows(IllegalArgumentException.class, () -> greedy(new int[0], limit(1)));
  }
}
