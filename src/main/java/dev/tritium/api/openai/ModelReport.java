package dev.tritium.api.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * How it stands with a model, as {@code /v1/models} tells it.
 *
 * @param createdSeconds when it was asked for, in seconds since 1970
 * @param progress how much of the loading is done, from 0 to 1
 * @param reason why it failed; null if it did not
 * @param sizes null until it is loaded
 */
public record ModelReport(
    String id,
    long createdSeconds,
    ModelStatus status,
    double progress,
    @Nullable String reason,
    @Nullable Sizes sizes) {

  /**
   * What is known of a model in memory.
   *
   * @param family config.json's {@code model_type}
   * @param maxModelTokens of prompt and answer together, as the server is set
   * @param contextTokens the same, as the model has it; null: it has no limit
   * @param weightBytes of the packed matrices, which every step reads once
   * @param stateBytes of one sequence after its first token
   * @param kernel what multiplies
   */
  public record Sizes(
      String family,
      long parameters,
      int vocabularySize,
      int maxModelTokens,
      @Nullable Integer contextTokens,
      long weightBytes,
      long stateBytes,
      String kernel) {}

  /** OpenAI's four fields, and those of ours that are known. */
  ObjectNode json() {
    ObjectNode json =
        Json.object()
            .put("id", id)
            .put("object", "model")
            .put("created", createdSeconds)
            .put("owned_by", "tritium")
            .put("status", status.label())
            .put("progress", Math.floor(progress * 1000) / 1000);
    if (reason != null) {
      json.put("reason", reason);
    }
    if (sizes != null) {
      json.put("family", sizes.family)
          .put("parameters", sizes.parameters)
          .put("vocabulary_size", sizes.vocabularySize)
          .put("max_model_len", sizes.maxModelTokens)
          .put("context_length", sizes.contextTokens)
          .put("weight_bytes", sizes.weightBytes)
          .put("state_bytes", sizes.stateBytes)
          .put("kernel", sizes.kernel);
    }
    return json;
  }
}
