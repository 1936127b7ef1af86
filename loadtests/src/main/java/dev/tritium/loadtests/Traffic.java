package dev.tritium.loadtests;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Requests and the times when they come, the same for the same seed. */
final class Traffic {
  private static final List<String> SUBJECTS =
      List.of(
          "The cat",
          "A little girl",
          "Tom",
          "Lily",
          "The old king",
          "Her mother",
          "The dog",
          "Ben");
  private static final List<String> VERBS =
      List.of("saw", "wanted", "found", "loved", "lost", "made", "looked for", "played with");
  private static final List<String> OBJECTS =
      List.of("a red ball", "the moon", "some bread", "a big tree", "the blue hat", "a new friend");
  private static final List<String> ENDS =
      List.of(
          "in the park.",
          "at home.",
          "one day.",
          "near the river.",
          "with a smile.",
          "in the night.");

  private final String model;
  private final double wordsPerToken;
  private final double scale;
  private final SplittableRandom random;

  /**
   * @param wordsPerToken of the sentences that prompts are made of
   * @param scale of all lengths, 1 for those of the trace
   */
  Traffic(String model, double wordsPerToken, double scale, long seed) {
    this.model = model;
    this.wordsPerToken = wordsPerToken;
    this.scale = scale;
    this.random = new SplittableRandom(seed);
  }

  /** A request to be streamed, and the tokens that its answer will have. */
  record Ask(String body, int answerTokens) {}

  /** The next request, with lengths of real chats. */
  synchronized Ask next() {
    return ask(scaled(Lengths.PROMPTS), scaled(Lengths.ANSWERS));
  }

  /** A request with lengths, in tokens, of the caller's own. */
  synchronized Ask ask(int promptTokens, int answerTokens) {
    ObjectNode body = new ObjectMapper().createObjectNode();
    body.put("model", model);
    body.put("prompt", sentences(promptTokens));
    body.put("max_tokens", answerTokens);
    body.put("ignore_eos", true);
    body.put("seed", random.nextLong());
    body.put("stream", true);
    body.putObject("stream_options").put("include_usage", true);
    return new Ask(body.toString(), answerTokens);
  }

  /** A number from 0 to a bound. */
  synchronized int upTo(int most) {
    return random.nextInt(most + 1);
  }

  private int scaled(Lengths lengths) {
    return (int) Math.max(1, Math.round(scale * lengths.draw(random)));
  }

  /** Simple sentences, random from the first one on, so that few prompts begin alike. */
  String sentences(int tokens) {
    StringBuilder text = new StringBuilder();
    int left = (int) Math.max(1, Math.round(tokens * wordsPerToken));
    while (left > 0) {
      for (List<String> choices : List.of(SUBJECTS, VERBS, OBJECTS, ENDS)) {
        for (String word : choices.get(random.nextInt(choices.size())).split(" ", -1)) {
          if (left-- > 0) {
            text.append(text.isEmpty() ? "" : " ").append(word);
          }
        }
      }
    }
    return text.toString();
  }

  /** Times from one arrival to the next, of a Poisson process that ends with the duration. */
  static List<Duration> gaps(double perSecond, Duration duration, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Duration> gaps = new ArrayList<>();
    for (double seconds = 0; ; ) {
      double gap = -Math.log(1 - random.nextDouble()) / perSecond;
      seconds += gap;
      if (seconds >= duration.toNanos() / 1e9) {
        return gaps;
      }
      gaps.add(Duration.ofNanos(Math.round(gap * 1e9)));
    }
  }
}
