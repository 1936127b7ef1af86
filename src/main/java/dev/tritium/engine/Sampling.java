package dev.tritium.engine;

import java.util.Map;

/**
 * How the next token is drawn. The steps, in this order: repetition, frequency and presence
 * penalties, {@code logitBias}, temperature, top-k, typical-p, top-p, min-p, draw.
 *
 * @param temperature 0 takes the likeliest token
 * @param topK keeps the k likeliest tokens; 0 keeps all
 * @param topP keeps the likeliest tokens until their probabilities sum to p; 1 keeps all
 * @param minP keeps tokens with at least p times the probability of the likeliest; 0 keeps all
 * @param typicalP keeps the tokens whose surprise is nearest to the entropy, until they sum to p; 1
 *     keeps all (arXiv 2202.00666)
 * @param repetitionPenalty divides positive and multiplies negative logits of the tokens in the
 *     prompt and the answer; 1 changes nothing (arXiv 1909.05858)
 * @param presencePenalty is subtracted from the logits of tokens in the answer
 * @param frequencyPenalty is subtracted once for each time a token stands in the answer
 * @param logitBias is added to the logits of these tokens
 * @param seed of the random numbers; equal seeds give equal answers on every machine
 */
public record Sampling(
    double temperature,
    int topK,
    double topP,
    double minP,
    double typicalP,
    double repetitionPenalty,
    double presencePenalty,
    double frequencyPenalty,
    Map<Integer, Double> logitBias,
    long seed) {

  public Sampling {
    logitBias = Map.copyOf(logitBias);
    require(temperature >= 0, "temperature", temperature);
    require(topK >= 0, "top_k", topK);
    require(topP >= 0 && topP <= 1, "top_p", topP);
    require(minP >= 0 && minP <= 1, "min_p", minP);
    require(typicalP > 0 && typicalP <= 1, "typical_p", typicalP);
    require(repetitionPenalty > 0, "repetition_penalty", repetitionPenalty);
  }

  private static void require(boolean valid, String name, double value) {
    if (!valid) {
      throw new IllegalArgumentException(name + " is out of range: " + value);
    }
  }

  /** The likeliest token each time. */
  public static Sampling greedy() {
    return new Sampling(0, 0, 1, 0, 1, 1, 0, 0, Map.of(), 0);
  }

  /** Draws from the model's own distribution, as OpenAI's defaults do. */
  public static Sampling plain(long seed) {
    return new Sampling(1, 0, 1, 0, 1, 1, 0, 0, Map.of(), seed);
  }

  /** The same with another temperature. */
  public Sampling withTemperature(double other) {
    return new Sampling(
        other,
        topK,
        topP,
        minP,
        typicalP,
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        logitBias,
        seed);
  }

  /** The same with another seed. */
  public Sampling withSeed(long other) {
    return new Sampling(
        temperature,
        topK,
        topP,
        minP,
        typicalP,
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        logitBias,
        other);
  }
}
