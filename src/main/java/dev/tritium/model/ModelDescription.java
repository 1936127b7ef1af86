package dev.tritium.model;

import java.util.Set;

/**
 * The sizes of a model.
 *
 * @param modelType config.json's {@code model_type}
 * @param parameters number of weights, {@code ternaryParameters} of them in ternary matrices
 * @param stateBytes bytes of state of one sequence after its first token
 * @param eosIds token ids that end a text
 */
public record ModelDescription(
    String modelType,
    int vocabularySize,
    int hiddenSize,
    int layers,
    int intermediateSize,
    long parameters,
    long ternaryParameters,
    long stateBytes,
    Set<Integer> eosIds) {
  public ModelDescription {
    eosIds = Set.copyOf(eosIds);
  }
}
